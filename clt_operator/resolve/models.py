"""Models: the digest of what is on disk, the commit of what is on a hub, sizes where told."""

import json
import struct
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

from clt_operator.api.errors import InputError
from clt_operator.api.keys import files_digest
from clt_operator.api.lock import FileLock, ModelLock
from clt_operator.api.spec.model import ModelSpec
from clt_operator.api.spec.names import split_source
from clt_operator.resolve.files import NotThere, lock_file, s3_files
from clt_operator.resolve.hub import Hub

OFFLINE = "not looked up: planning looks only at this machine"

# What a model directory may consist of; pickled weights are not among them.
PATTERNS = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja", "*.tiktoken")


def lock_model(
    model: ModelSpec,
    base: Path,
    hub: Hub | None,
    environment: Mapping[str, str] | None = None,
) -> ModelLock:
    """The lock of a model; without a hub what lies elsewhere stays unpinned.

    Raises NotThere where nothing lies at the place, InputError where what does is no model that
    can be used, TransientError where a hub is silent.
    """
    scheme, rest = split_source(model.source)
    if scheme == "hf":
        return _from_hub(model, rest, hub)
    if scheme == "file":
        return _from_directory(model, base / rest.removeprefix("//"))
    if scheme == "gguf":
        path = base / rest
        if not path.is_file():
            raise NotThere(f"there is no file {path}")
        file = lock_file(path)
        return ModelLock(source=model.source, digest=content([file]), files=[file])
    if scheme == "s3":
        return _from_s3(model, hub, environment)
    return ModelLock(source=model.source)  # init: its parameters are all there is to it


def content(files: list[FileLock]) -> str:
    """Digest of a model's files in their order, as fetch computes it of what it reads."""
    return files_digest([file.sha256 for file in files])


def _from_s3(model: ModelSpec, hub: Hub | None, environment: Mapping[str, str] | None) -> ModelLock:
    """Objects are hashed now; their sizes are told when they are fetched."""
    if hub is None:
        return ModelLock(source=model.source, pinned=False, reason=OFFLINE)
    files = s3_files(model.source, PATTERNS, environment)
    names = [Path(file.location.partition("?")[0]).name for file in files]
    _check_names(model.source, names)
    return ModelLock(source=model.source, digest=content(files), files=files)


def _from_hub(model: ModelSpec, name: str, hub: Hub | None) -> ModelLock:
    if hub is None:
        return ModelLock(source=model.source, revision=model.revision, pinned=False, reason=OFFLINE)
    entry = hub.look_up("models", name, model.revision)
    return ModelLock(source=model.source, revision=entry.revision, parameters=entry.parameters)


def _from_directory(model: ModelSpec, directory: Path) -> ModelLock:
    if not directory.is_dir():
        raise NotThere(f"there is no directory {directory}")
    paths = sorted({path for pattern in PATTERNS for path in directory.glob(pattern)})
    _check_names(str(directory), [path.name for path in paths])
    files = [lock_file(path) for path in paths]
    config = _config(directory / "config.json")
    return ModelLock(
        source=model.source,
        digest=content(files),
        files=files,
        parameters=sum(_tensor_sizes(path) for path in paths if path.suffix == ".safetensors"),
        layers=config.get("num_hidden_layers"),
        hidden=config.get("hidden_size"),
        vocabulary=config.get("vocab_size"),
    )


def _check_names(place: str, names: list[str]) -> None:
    """Raises InputError where the files are no model that can be loaded."""
    if "config.json" not in names:
        raise InputError(
            f"{place} is no model directory: it has no config.json (save the model there "
            "with save_pretrained)"
        )
    if not any(name.endswith(".safetensors") for name in names):
        raise InputError(
            f"{place} has no .safetensors weights; pickled weights are not loaded: convert "
            "them with save_pretrained(safe_serialization=True)"
        )


def _config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON: {error}") from error
    if not isinstance(config, dict):
        raise InputError(f"{path} is no configuration: it holds no JSON object")
    return config


def _tensor_sizes(path: Path) -> int:
    """Elements in a safetensors file, by its header: 8 bytes of length, then JSON.

    Raises InputError where the header is not whole.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > path.stat().st_size:
                raise ValueError("the header is longer than the file")
            header: dict[str, Any] = json.loads(file.read(length))
        return sum(prod(e["shape"]) for name, e in header.items() if name != "__metadata__")
    except (ValueError, struct.error, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is no whole safetensors file: {error}") from error
