"""Models and tokenizers load from a directory, cheaply, and say what is wrong with it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from clt_jobs.models.builders import build_model
from clt_jobs.models.load import load_model, load_tokenizer, save_model
from clt_jobs.models.tokenizers import build_tokenizer
from clt_operator.api.errors import InputError

SIZES = {"family": "llama", "layers": 2, "hidden": 16, "heads": 4, "kv_heads": 2}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    tokenizer = build_tokenizer("bytes", "")
    save_model(build_model(SIZES, tokenizer, 0), tokenizer, tmp_path / "m")
    return tmp_path / "m"


def test_saving_what_was_loaded_changes_no_byte(saved: Path, tmp_path: Path) -> None:
    save_model(load_model(saved), load_tokenizer(saved), tmp_path / "again")
    for path in saved.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name


def test_no_path_of_the_machine_reaches_the_files(saved: Path, tmp_path: Path) -> None:
    for path in saved.glob("*.json"):
        assert str(tmp_path) not in path.read_text(encoding="utf-8")


def test_precision_is_that_of_all_parameters(saved: Path) -> None:
    for precision, expected in (("fp32", "torch.float32"), ("bf16", "torch.bfloat16")):
        model = load_model(saved, precision)
        assert {str(parameter.dtype) for parameter in model.parameters()} == {expected}
        assert not model.training
    with pytest.raises(InputError, match="fp8"):
        load_model(saved, "fp8")


def test_fresh_weights_leave_the_global_random_state_alone() -> None:
    import torch

    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    build_model(SIZES, build_tokenizer("bytes", ""), 0)
    assert torch.rand(1) == expected


def test_padding_falls_back_to_the_end_of_sequence(saved: Path) -> None:
    path = saved / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    del config["pad_token"]
    path.write_text(json.dumps(config), encoding="utf-8")
    assert load_tokenizer(saved).pad_token == "<eos>"  # noqa: S105 - no secret


def test_what_is_no_causal_model_is_named(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no config\.json"):
        load_model(tmp_path)
    for architecture, message in (
        ("BertForMaskedLM", "no causal language model"),
        ("OwnForCausalLM", "does not know OwnForCausalLM"),
    ):
        (saved / "config.json").write_text(json.dumps({"architectures": [architecture]}))
        with pytest.raises(InputError, match=message):
            load_model(saved)


def test_weights_that_are_not_there_are_named(saved: Path) -> None:
    (saved / "model.safetensors").unlink()
    with pytest.raises(InputError, match="cannot be loaded as a model"):
        load_model(saved)


def test_a_tokenizer_needs_no_torch(saved: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from clt_jobs.models.load import load_tokenizer; "
        "load_tokenizer(Path(sys.argv[1])); import clt_jobs.prepare.step; "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(saved)], check=False)
    assert done.returncode == 0
