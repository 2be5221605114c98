"""Two processes (gloo) and one train the same model on the same samples in the same order."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from support.context import FakeContext
from support.training import read_lines, train_params, write_inputs
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from clt_jobs.context import StopRequested
from clt_jobs.models.load import load_model
from clt_jobs.train.state import (
    names_of,
    put_optimiser,
    put_weights,
    take_optimiser,
    take_weights,
)
from clt_jobs.train.step import train

CASES = {
    "token": train_params(),
    "row": train_params(loss_weight="row", batch_size=7),  # uneven: a rank stands idle at times
    "language": train_params(loss_weight="language", select="last"),
}
FILES = ["metrics/metrics.jsonl", "mixture/mixture.json", "checkpoint/last/model.safetensors"]


def _inputs(root):
    return {"model": root / "model"} | {f"sums/{name}": root / name for name in ("en", "es")}


def _rank_main(root: Path, rank: str) -> None:
    """One process of all trainings here, one after another; this file run as a script."""

    def run(case, name, **options):
        context = FakeContext(
            root / f"rank-{rank}" / name,
            _inputs(root / "inputs"),
            hints={"micro_batch_size": 2},
            resume=root / "resume" / name,
            **options,
        )
        train(CASES[case], context)

    for case in CASES:
        run(case, case)
    try:
        run("token", "cut", stop_after=2 if rank == "0" else None)
    except StopRequested:
        run("token", "cut")
    _shard(root / "inputs" / "model", root / f"sharded-{rank}.json")


def _shard(base: Path, result: Path) -> None:
    """Weights and optimiser state of a sharded model, taken whole and put back."""
    model = load_model(base)
    shapes = {name: list(tensor.shape) for name, tensor in take_weights(model).items()}
    fully_shard(model, mesh=init_device_mesh("cpu", (2,)))
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    names = names_of(model, list(model.parameters()))

    def step():
        model(input_ids=torch.arange(2, 10).view(1, 8)).logits.square().mean().backward()
        optimiser.step()
        optimiser.zero_grad()

    step()
    weights, state = take_weights(model), take_optimiser(optimiser, names)
    step()
    expected = take_weights(model)
    put_weights(model, weights)
    put_optimiser(optimiser, names, state)
    step()
    again = take_weights(model)
    figures = {
        "sharded": hasattr(next(model.parameters()), "full_tensor"),
        "whole": {name: list(tensor.shape) for name, tensor in weights.items()} == shapes,
        "moved": any(not torch.equal(weights[name], expected[name]) for name in expected),
        "exact": all(torch.equal(again[name], expected[name]) for name in expected),
    }
    result.write_text(json.dumps(figures))


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory):
    root = tmp_path_factory.mktemp("ranks")
    write_inputs(root / "inputs")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ranks = {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
    }
    processes = [
        subprocess.Popen(
            [sys.executable, __file__, str(root), rank],
            env=os.environ | ranks | {"RANK": rank, "LOCAL_RANK": rank},
        )
        for rank in ("0", "1")
    ]
    assert [process.wait(timeout=600) for process in processes] == [0, 0]
    return root


@pytest.mark.parametrize("case", CASES)
def test_one_and_two_ranks_see_the_same_samples_and_losses(tmp_path, two_ranks, case):
    alone = FakeContext(tmp_path / "alone", _inputs(two_ranks / "inputs"))
    train(CASES[case], alone)
    outputs = two_ranks / "rank-0" / case / "outputs"
    one, two = (read_lines(p, "train") for p in (alone.output("metrics"), outputs / "metrics"))
    for a, b in zip(one, two, strict=True):
        for count in ("samples", "tokens", "supervised_tokens"):
            assert a[count] == b[count]
        assert b["loss"] == pytest.approx(a["loss"], abs=1e-5)
        assert b["loss_by_language"] == pytest.approx(a["loss_by_language"], abs=1e-5)
        assert b["grad_norm"] == pytest.approx(a["grad_norm"], rel=1e-4)
    records = [p / "mixture.json" for p in (alone.output("mixture"), outputs / "mixture")]
    assert records[0].read_bytes() == records[1].read_bytes()
    validations = [
        [line["losses"] for line in read_lines(p, "validation")]
        for p in (alone.output("metrics"), outputs / "metrics")
    ]
    for a, b in zip(*validations, strict=True):
        assert b == pytest.approx(a, abs=1e-5)


def test_one_process_writes(two_ranks):
    assert not (two_ranks / "rank-1" / "token" / "outputs").exists()
    assert not any((two_ranks / "rank-1").rglob("*.safetensors"))


def test_a_stop_that_one_rank_sees_stops_both_and_resume_is_exact(two_ranks):
    whole, cut = (two_ranks / "rank-0" / name / "outputs" for name in ("token", "cut"))
    saved = [path.name for path in (two_ranks / "resume" / "cut").iterdir()]
    assert saved == ["step-00000003"]
    for file in FILES:
        assert (whole / file).read_bytes() == (cut / file).read_bytes(), file


def test_sharded_weights_and_optimiser_state_are_saved_whole_and_put_back_exactly(two_ranks):
    for rank in (0, 1):
        figures = json.loads((two_ranks / f"sharded-{rank}.json").read_text())
        assert figures == dict.fromkeys(("sharded", "whole", "moved", "exact"), True)


if __name__ == "__main__":
    _rank_main(Path(sys.argv[1]), sys.argv[2])
