"""What resolve pins of a model is what fetch finds: one digest, computed on either side."""

from pathlib import Path

import pytest
from support.context import FakeContext
from support.gguf_file import write_gguf

from clt_jobs.fetch.model import fetch_model
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.fetch import ModelFormat, ModelRequest
from clt_operator.api.lock import ModelLock
from clt_operator.api.spec.model import ModelSpec
from clt_operator.resolve.models import lock_model

SIZES = {"family": "llama", "layers": 1, "hidden": 16, "heads": 2, "intermediate": 32}


def saved_model(root: Path) -> Path:
    context = FakeContext(root)
    request = ModelRequest(
        format="init", architecture=SIZES, tokenizer="characters", alphabet="abc"
    )
    fetch_model(request, context)
    return context.outputs["model"]


def fetched_as_locked(root: Path, form: ModelFormat, lock: ModelLock) -> FakeContext:
    context = FakeContext(root, hints={"files": [file.location for file in lock.files]})
    fetch_model(ModelRequest(format=form, digest=lock.digest), context)
    return context


def test_a_locked_directory_is_fetched(tmp_path: Path) -> None:
    directory = saved_model(tmp_path / "fresh")
    lock = lock_model(ModelSpec(name="m", source=f"file:{directory}"), tmp_path, None)
    context = fetched_as_locked(tmp_path / "fetched", "directory", lock)
    assert context.figures["parameters"] == lock.parameters


def test_a_locked_gguf_file_is_fetched(tmp_path: Path) -> None:
    write_gguf(tmp_path / "tiny.gguf")
    lock = lock_model(ModelSpec(name="m", source="gguf:tiny.gguf"), tmp_path, None)
    context = fetched_as_locked(tmp_path / "fetched", "gguf", lock)
    assert context.figures["dequantised"] is True


def test_a_model_that_changed_after_it_was_locked_is_refused(tmp_path: Path) -> None:
    directory = saved_model(tmp_path / "fresh")
    lock = lock_model(ModelSpec(name="m", source=f"file:{directory}"), tmp_path, None)
    config = directory / "config.json"
    config.write_bytes(config.read_bytes() + b"\n")
    with pytest.raises(InputError, match="changed since it was resolved"):
        fetched_as_locked(tmp_path / "fetched", "directory", lock)
