"""fetch of a model: every source ends in the same two directories, and no code is run."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.context import FakeContext

from clt_jobs.data.rows import Row, write_rows
from clt_jobs.fetch import model as fetch
from clt_jobs.fetch.model import fetch_model
from clt_jobs.models.load import load_model, load_tokenizer
from clt_operator.api.errors import InputError, TransientError
from clt_operator.api.keys import files_digest
from clt_operator.api.kinds.fetch import ModelRequest

SIZES = {"family": "llama", "layers": 1, "hidden": 16, "heads": 2, "intermediate": 32}
FRESH = ModelRequest(format="init", architecture=SIZES, tokenizer="characters", alphabet="abé七")


def fetched(root: Path, request: ModelRequest, **options: Any) -> FakeContext:
    context = FakeContext(root, **options)
    fetch_model(request, context)
    return context


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory; tests copy it before they change it."""
    return fetched(tmp_path_factory.mktemp("fresh"), FRESH).outputs["model"]


def test_a_fresh_model_is_a_function_of_its_request(fresh: Path, tmp_path: Path) -> None:
    again = fetched(tmp_path / "again", FRESH)
    assert files(again.outputs["model"]) == files(fresh)
    other = fetched(tmp_path / "other", FRESH.model_copy(update={"seed": 1}))
    assert files(other.outputs["model"]) != files(fresh)
    assert files(other.outputs["tokenizer"]) == files(again.outputs["tokenizer"])
    assert set(files(again.outputs["tokenizer"])) == {"tokenizer.json", "tokenizer_config.json"}
    assert again.figures["parameters"] == sum(
        parameter.numel() for parameter in load_model(fresh).parameters()
    )


def test_characters_of_the_training_rows_get_tokens(tmp_path: Path) -> None:
    rows = [Row("a", "1", "ko", prompt="일곱", response="семь", options=("七", "ß"))]
    write_rows(tmp_path / "rows.parquet", rows)
    request = FRESH.model_copy(update={"alphabet": ""})
    context = fetched(tmp_path / "run", request, inputs={"text/0": tmp_path})
    tokenizer = load_tokenizer(context.outputs["tokenizer"])
    assert len(tokenizer("일곱семь七ß")["input_ids"]) == 8


def test_a_directory_is_taken_over_byte_for_byte(fresh: Path, tmp_path: Path) -> None:
    shutil.copytree(fresh, tmp_path / "source")
    (tmp_path / "source" / "notes.md").write_text("not a model file")
    (tmp_path / "source" / "modeling_own.py").write_text("raise SystemExit")
    request = ModelRequest(format="directory")
    context = fetched(tmp_path / "run", request, hints={"uri": f"file:{tmp_path / 'source'}"})
    assert files(context.outputs["model"]) == files(fresh)


def test_listed_files_are_checked_against_the_digest(fresh: Path, tmp_path: Path) -> None:
    listed = [str(path) for path in sorted(fresh.iterdir())]
    request = ModelRequest(format="directory", digest=files_digest(["0" * 64]))
    with pytest.raises(InputError, match="changed since it was resolved"):
        fetched(tmp_path, request, hints={"files": listed, "uri": "file:x"})


def without(directory: Path, name: str) -> None:
    (directory / name).unlink()


def cut(directory: Path, name: str) -> None:
    path = directory / name
    path.write_bytes(path.read_bytes()[:-20])


def only_a_pickle(directory: Path, name: str) -> None:
    (directory / name).rename(directory / "pytorch_model.bin")


def index_of_more(directory: Path, name: str) -> None:
    index = {"weight_map": {"a": name, "b": "model-00002-of-00002.safetensors"}}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))


@pytest.mark.parametrize(
    ("damage", "name", "message"),
    [
        (without, "config.json", r"no config\.json"),
        (without, "model.safetensors", r"no \*\.safetensors"),
        (without, "tokenizer.json", "no tokenizer among"),
        (cut, "model.safetensors", r"model\.safetensors: no whole safetensors file"),
        (cut, "tokenizer.json", "cannot be loaded as a tokenizer"),
        (only_a_pickle, "model.safetensors", r"pytorch_model\.bin is a pickle"),
        (index_of_more, "model.safetensors", "model-00002-of-00002.safetensors, which is not"),
    ],
)
def test_a_damaged_directory_is_refused(fresh, tmp_path, damage, name, message) -> None:
    shutil.copytree(fresh, tmp_path / "source")
    damage(tmp_path / "source", name)
    with pytest.raises(InputError, match=message):
        fetched(tmp_path, ModelRequest(format="directory"), hints={"uri": str(tmp_path / "source")})


@pytest.mark.parametrize("format_", ["directory", "gguf"])
def test_a_path_that_is_not_there_is_named(tmp_path: Path, format_: Any) -> None:
    with pytest.raises(InputError, match="absent: no such model"):
        fetched(tmp_path, ModelRequest(format=format_), hints={"uri": str(tmp_path / "absent")})


def test_a_file_that_is_no_gguf_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"GGUF" + b"\0" * 40)
    with pytest.raises(InputError, match=r"x\.gguf"):
        fetched(tmp_path, ModelRequest(format="gguf"), hints={"uri": f"gguf:{tmp_path}/x.gguf"})


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"family": "lama"}, "unknown model family 'lama': known are llama"),
        ({**SIZES, "depth": 2}, "no size depth: known are layers, hidden"),
        ({**SIZES, "layers": 0}, "architecture.layers"),
        ({**SIZES, "hidden": "16"}, "architecture.hidden"),
        ({"family": "llama", "hidden": 16, "heads": 2}, "architecture.layers"),
        ({**SIZES, "heads": 3}, "heads must divide"),
    ],
)
def test_wrong_sizes_are_named(tmp_path: Path, sizes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        fetched(tmp_path, FRESH.model_copy(update={"architecture": sizes}))


def test_a_hub_model_is_taken_from_a_snapshot_at_its_revision(
    fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def snapshot(name: str, **options: Any) -> str:
        asked.update(options, name=name)
        return str(fresh)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    request = ModelRequest(format="hf", name="org/model", digest="abc123")
    context = fetched(tmp_path, request)
    assert files(context.outputs["model"]) == files(fresh)
    assert (asked["name"], asked["revision"], asked["token"]) == (
        "org/model",
        "abc123",
        "hf_secret",
    )
    assert "*.bin" not in asked["allow_patterns"]


def test_a_hub_that_does_not_answer_may_answer_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(name: str, **options: Any) -> str:
        raise ConnectionError("refused")

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    with pytest.raises(TransientError, match="hf:org/model"):
        fetched(tmp_path, ModelRequest(format="hf", name="org/model", digest="abc"))


def test_every_format_of_the_contract_is_implemented() -> None:
    from typing import get_args

    from clt_operator.api.kinds.fetch import ModelFormat

    assert set(fetch._FORMATS) == set(get_args(ModelFormat))


def test_a_gguf_checkpoint_becomes_an_ordinary_model(tmp_path: Path) -> None:
    from support.gguf_file import TOKENS, write_gguf

    write_gguf(tmp_path / "tiny.gguf")
    request = ModelRequest(format="gguf")
    context = fetched(tmp_path / "run", request, hints={"uri": f"gguf:{tmp_path}/tiny.gguf"})
    assert context.figures["dequantised"] is True
    assert context.figures["source_quantisation"] == "MOSTLY_Q8_0"
    config = json.loads((context.outputs["model"] / "config.json").read_text(encoding="utf-8"))
    assert "quantization_config" not in config
    model = load_model(context.outputs["model"])
    assert {str(parameter.dtype) for parameter in model.parameters()} == {"torch.float32"}
    assert not getattr(model, "is_quantized", False)
    tokenizer = load_tokenizer(context.outputs["tokenizer"])
    assert len(tokenizer) == len(TOKENS)
    assert tokenizer.convert_ids_to_tokens(tokenizer("ab ac")["input_ids"]) == ["ab", "Ġa", "c"]
    again = fetched(tmp_path / "again", request, hints={"uri": f"gguf:{tmp_path}/tiny.gguf"})
    assert files(again.outputs["model"]) == files(context.outputs["model"])


def test_a_prefix_of_a_bucket_is_a_directory(
    fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clt_operator import store
    from clt_operator.store.file import FileStore

    opened: list[str] = []

    def open_store(uri: str) -> FileStore:
        opened.append(uri)
        return FileStore(fresh)

    monkeypatch.setattr(store, "open_store", open_store)
    uri = "s3://bucket/models/tiny?checksums=when_required"
    context = fetched(tmp_path, ModelRequest(format="directory"), hints={"uri": uri})
    assert files(context.outputs["model"]) == files(fresh)
    assert set(opened) == {uri}
