"""Models: the digest of what is on disk, the commit of what is on a hub, sizes where told."""

import json
import struct
from math import prod
from pathlib import Path
from typing import Any

from clt_operator.api.errors import InputError
from clt_operator.api.keys import files_digest
from clt_operator.api.lock import FileLock, ModelLock
from clt_operator.api.spec.model import ModelSpec
from clt_operator.api.spec.names import split_source
from clt_operator.resolve.files import lock_file, s3_files
from clt_operator.resolve.hub import Hub

# What a model directory may consist of; pickled weights are not among them.
PATTERNS = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja", "*.tiktoken")


def lock_model(model: ModelSpec, base: Path, hub: Hub | None) -> ModelLock:
    """Raises InputError where the model is not there, TransientError where a hub is silent."""
    scheme, rest = split_source(model.source)
    if scheme == "hf":
        return _from_hub(model, rest, hub)
    if scheme == "file":
        return _from_directory(model, base / rest.removeprefix("//"))
    if scheme == "gguf":
        path = base / rest
        if not path.is_file():
            raise InputError(f"there is no file {path}")
        file = lock_file(path)
        return ModelLock(source=model.source, digest=content([file]), files=[file])
    if scheme == "s3":
        files = s3_files(model.source, "*")
        return ModelLock(source=model.source, digest=content(files), files=files)
    return ModelLock(source=model.source)  # init: its parameters are all there is to it


def content(files: list[FileLock]) -> str:
    """Digest of a model's files in their order, as fetch computes it of what it reads."""
    return files_digest([file.sha256 for file in files])


def _from_hub(model: ModelSpec, name: str, hub: Hub | None) -> ModelLock:
    if hub is None:
        return ModelLock(source=model.source, revision=model.revision, pinned=False)
    entry = hub.look_up("models", name, model.revision)
    return ModelLock(source=model.source, revision=entry.revision, parameters=entry.parameters)


def _from_directory(model: ModelSpec, directory: Path) -> ModelLock:
    if not (directory / "config.json").is_file():
        raise InputError(
            f"{directory} is no model directory: it has no config.json (save the model there "
            "with save_pretrained)"
        )
    paths = sorted({path for pattern in PATTERNS for path in directory.glob(pattern)})
    if not any(path.suffix == ".safetensors" for path in paths):
        raise InputError(
            f"{directory} has no .safetensors weights; pickled weights are not loaded: convert "
            "them with save_pretrained(safe_serialization=True)"
        )
    files = [lock_file(path) for path in paths]
    try:
        config = json.loads((directory / "config.json").read_bytes())
        parameters = sum(_tensor_sizes(p) for p in paths if p.suffix == ".safetensors")
    except (ValueError, struct.error, KeyError) as error:
        raise InputError(f"{directory}: config.json or weights are damaged: {error}") from error
    return ModelLock(
        source=model.source,
        digest=content(files),
        files=files,
        parameters=parameters,
        layers=config.get("num_hidden_layers"),
        hidden=config.get("hidden_size"),
        vocabulary=config.get("vocab_size"),
    )


def _tensor_sizes(path: Path) -> int:
    """Elements in a safetensors file, by its header: 8 bytes of length, then JSON."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header: dict[str, Any] = json.loads(file.read(length))
    return sum(prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")
