"""train, the step: reads inputs, runs the loop, writes checkpoints, log, mixture and selection."""

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from safetensors.torch import load_file

from clt_jobs.context import Context
from clt_jobs.models.load import load_tokenizer
from clt_jobs.train.batches import CPU_MICRO_TOKENS, plan_steps
from clt_jobs.train.corpus import read_corpus, realise_mixture
from clt_jobs.train.gradients import Gradients, Limits
from clt_jobs.train.loop import Data, Loop
from clt_jobs.train.meter import Meter
from clt_jobs.train.model import build_model, export_model
from clt_jobs.train.objectives import build_objective
from clt_jobs.train.ranks import Ranks
from clt_jobs.train.runtime import fix_runtime
from clt_jobs.train.selection import selection_record
from clt_jobs.train.state import Tensors, take_weights
from clt_operator.api.keys import digest
from clt_operator.api.kinds.train import TrainParams


def train(params: TrainParams, context: Context) -> None:
    """One model from a base and an exact mixture (see ``clt_operator.api.kinds.train``).

    Raises InputError where data, model or parameters are at fault, a loss that is not finite
    included, and StopRequested after saving, when asked to stop.
    """
    ranks = Ranks(params.precision)
    fix_runtime(int(context.hints.get("threads") or 1), cpu=ranks.device.type == "cpu")
    data = _read_data(params, context)
    base = context.input("model")
    objective = build_objective(params.objective, build_model(params, base), context)
    pad = int(load_tokenizer(base).pad_token_id or 0)
    meter = Meter(context.telemetry, ranks.world)
    limits = _limits(context, ranks)
    gradients = Gradients(objective, params.optimiser, ranks, limits, pad, meter=meter)
    with TemporaryDirectory(prefix="train-") as work:
        fingerprint = digest([params.model_dump(mode="json"), data.realised.fingerprint])
        loop = Loop(params, data, gradients, context, fingerprint=fingerprint, work=Path(work))
        _announce(params, data, ranks)
        saved = context.load_resume()
        if saved is not None:
            loop.restore(saved)
        loop.run()
        last = take_weights(objective.model)
        if ranks.main:
            _write_outputs(params, context, loop, base, last)


def _read_data(params: TrainParams, context: Context) -> Data:
    corpus = read_corpus(params, context)
    realised = realise_mixture(params, corpus)
    bounds = plan_steps(
        realised,
        corpus,
        batch_size=params.batch_size,
        unit=params.batch_unit,
        steps=params.steps,
    )
    return Data(corpus, realised, bounds)


def _limits(context: Context, ranks: Ranks) -> Limits:
    rows = int(context.hints.get("micro_batch_size") or 0)
    cache_sized = ranks.device.type == "cpu" and not rows
    return Limits(micro_rows=rows, micro_tokens=CPU_MICRO_TOKENS if cache_sized else 0)


def _announce(params: TrainParams, data: Data, ranks: Ranks) -> None:
    """Every resolved value, for whoever reads the log."""
    ranks.say(
        f"train: {data.bounds.steps} steps of {params.batch_size} {params.batch_unit}, "
        f"{data.realised.epoch_samples} samples an epoch, {ranks.world} process(es) on "
        f"{ranks.device.type}"
    )
    ranks.say(f"parameters: {params.model_dump_json(exclude={'mixture'})}")


def _write_outputs(
    params: TrainParams, context: Context, loop: Loop, base: Path, last: Tensors
) -> None:
    """Outputs of the main process: bytes are functions of the key alone."""
    export_model(params, base, last, context.output("checkpoint/last"))
    selection = selection_record(params, loop.policies, loop.candidates, loop.counters.step)
    if loop.selected is None or selection["selected_step"] == loop.counters.step:
        _copy_files(context.output("checkpoint/last"), context.output("checkpoint/selected"))
    else:
        weights = load_file(loop.selected)
        export_model(params, base, weights, context.output("checkpoint/selected"))
    metrics = context.output("metrics") / "metrics.jsonl"
    metrics.write_text("".join(loop.lines), encoding="utf-8")
    position = loop.data.bounds.of(loop.counters.step - 1)[1]
    _write_json(context.output("mixture") / "mixture.json", loop.data.realised.record(position))
    _write_json(context.output("selection") / "selection.json", selection)
    counters = loop.counters
    context.summarise(
        steps=counters.step,
        samples=counters.samples,
        tokens=counters.tokens,
        supervised_tokens=counters.supervised_tokens,
        rows_without_supervision=counters.rows_without_supervision,
        skipped_steps=counters.skipped_steps,
        selected_step=selection["selected_step"],
        components_without_validation=selection["components_without_validation"],
    )


def _copy_files(source: Path, target: Path) -> None:
    shutil.copytree(source, target, dirs_exist_ok=True)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
