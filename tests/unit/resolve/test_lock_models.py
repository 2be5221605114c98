"""Models in the lock: sizes without loading, no pickles, and why a directory is no model."""

import json
import struct
from pathlib import Path

import pytest

from clt_operator.api.errors import InputError
from clt_operator.api.spec.model import ModelSpec
from clt_operator.resolve.files import NotThere
from clt_operator.resolve.hub import Hub
from clt_operator.resolve.models import lock_model

CONFIG = {"num_hidden_layers": 2, "hidden_size": 16, "vocab_size": 99}


def tensors(shapes: dict[str, list[int]], cut: int = 0) -> bytes:
    """A safetensors file whose data are zeros; only its header is ever read here."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    header |= {
        name: {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}
        for name, shape in shapes.items()
    }
    text = json.dumps(header).encode()
    return (struct.pack("<Q", len(text)) + text)[: -cut or None]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "model"
    made.mkdir()
    (made / "config.json").write_text(json.dumps(CONFIG))
    (made / "model-1.safetensors").write_bytes(tensors({"a": [99, 16], "scalar": []}))
    (made / "model-2.safetensors").write_bytes(tensors({"b": [16, 16]}))
    (made / "tokenizer.json").write_text("{}")
    return made


def locked(directory: Path, source: str = ""):
    spec = ModelSpec(name="m", source=source or f"file:{directory}")
    return lock_model(spec, directory.parent, None)


def test_sizes_come_from_headers_and_configuration(directory):
    lock = locked(directory)
    assert lock.parameters == 99 * 16 + 1 + 16 * 16
    assert (lock.layers, lock.hidden, lock.vocabulary) == (2, 16, 99)


@pytest.mark.parametrize("source", ["file:model", "file://{}", "file:{}"])
def test_a_directory_may_be_relative_to_the_spec_absolute_or_a_uri(directory, source):
    assert locked(directory, source.format(directory)).digest == locked(directory).digest


def test_weights_configuration_and_tokenizer_make_the_digest_and_nothing_else(directory):
    before = locked(directory)
    (directory / "README.md").write_text("notes")
    (directory / "pytorch_model.bin").write_bytes(b"pickle")
    (directory / "code.py").write_text("import os")
    assert locked(directory) == before
    (directory / "tokenizer.json").write_text("{ }")
    assert locked(directory).digest != before.digest


def test_pickled_weights_alone_are_refused(directory):
    for path in directory.glob("*.safetensors"):
        path.rename(path.with_suffix(".bin"))
    with pytest.raises(InputError, match=r"has no \.safetensors weights; pickled weights are not"):
        locked(directory)


def test_a_directory_without_a_configuration_is_no_model(directory):
    (directory / "config.json").unlink()
    with pytest.raises(InputError, match=r"is no model directory: it has no config\.json"):
        locked(directory)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("file:modle", "there is no directory {}/modle"),
        ("gguf:tiny.gguf", "there is no file {}/tiny.gguf"),
        ("file:model/config.json", "there is no directory {}/model/config.json"),
    ],
)
def test_a_path_that_is_not_there(directory, source, message):
    with pytest.raises(NotThere) as raised:
        locked(directory, source)
    assert str(raised.value) == message.format(directory.parent)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"short",
        tensors({"a": [2]}, cut=3),
        struct.pack("<Q", 2**62) + b"{}",
        b"\2" + b"\0" * 7 + b"[]",
    ],
    ids=["empty", "no length", "cut header", "absurd length", "no header"],
)
def test_damaged_weights_are_named(directory, data):
    (directory / "model-2.safetensors").write_bytes(data)
    with pytest.raises(InputError, match=r"model-2\.safetensors is no whole safetensors file"):
        locked(directory)


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000])
def test_a_damaged_configuration_is_named(directory, text):
    (directory / "config.json").write_text(text)
    with pytest.raises(InputError, match=r"config\.json is no"):
        locked(directory)


def test_a_hub_model_is_pinned_to_a_commit(hub):
    hub.holds("models", "org/m", revision="v1", sha="c0ffee", safetensors={"total": 135})
    spec = ModelSpec(name="m", source="hf:org/m", revision="v1")
    lock = lock_model(spec, Path(), Hub(hub.url))
    assert (lock.revision, lock.parameters, lock.pinned) == ("c0ffee", 135, True)


@pytest.mark.parametrize("source", ["hf:org/m", "s3://bucket/m"])
def test_what_lies_elsewhere_stays_unpinned_without_a_hub(source):
    lock = lock_model(ModelSpec(name="m", source=source), Path(), None)
    assert not lock.pinned
    assert lock.reason == "not looked up: planning looks only at this machine"


def test_a_fresh_model_needs_no_pin():
    assert lock_model(ModelSpec(name="m", source="init:llama"), Path(), None).pinned
