"""The files of a model directory: found, checked, and taken over.

Only configuration, safetensors and tokenizer files are taken. Weights that exist only as a
pickle are refused: reading one runs whatever code it holds.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote, urlsplit

from clt_jobs.fetch.sources import open_sources
from clt_jobs.models.load import forget_origin, load_tokenizer
from clt_operator.api.errors import InputError

_CONFIGURATION = ("config.json", "generation_config.json")
_INDEX = "model.safetensors.index.json"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")


def collect_files(hints: Mapping[str, Any], digest: str, scratch: Path) -> dict[str, Path]:
    """The files that the hints locate, by name; objects are downloaded to ``scratch``.

    Locations are ``hints["files"]``, each checked against the digest as a whole; without
    them ``hints["uri"]``, a directory or a file, as it is. Raises InputError for a missing
    one, naming it.
    """
    listed = [str(location) for location in hints.get("files") or ()]
    locations = listed or list(_below(str(hints.get("uri", ""))))
    sources = open_sources(locations, digest if listed else "", scratch)
    return {_name(source.location): source.path for source in sources}


def _below(uri: str) -> Iterator[str]:
    """The locations of the files of a directory, or of the file itself."""
    if uri.startswith("s3://"):
        from clt_operator.store import open_store

        place, mark, options = uri.partition("?")
        for found in open_store(uri).list(""):
            if "/" not in found.name:
                yield f"{place.rstrip('/')}/{found.name}{mark}{options}"
        return
    path = _local(uri)
    if not path.exists():
        raise InputError(f"{path}: no such model; check the path, or the mount that should hold it")
    yield from (
        sorted(str(each) for each in path.iterdir() if each.is_file())
        if path.is_dir()
        else [str(path)]
    )


def _local(uri: str) -> Path:
    if uri.startswith("file://"):
        return Path(unquote(urlsplit(uri).path))
    scheme, colon, rest = uri.partition(":")
    return Path(rest if colon and scheme in ("file", "gguf") else uri).expanduser()


def _name(location: str) -> str:
    path = urlsplit(location).path if "://" in location else location
    return Path(unquote(path) if location.startswith("file:") else path).name


def read_tokenizer(files: Mapping[str, Path]) -> Any:
    """The tokenizer among the files of a model; one without ``tokenizer.json`` is converted.

    Raises InputError where there is none.
    """
    small = {name: path for name, path in files.items() if not name.endswith(".safetensors")}
    with TemporaryDirectory() as scratch:
        for name, path in small.items():
            if not name.endswith((*_PICKLES, ".py")):
                shutil.copyfile(path, Path(scratch) / name)
        if "tokenizer.json" in small:
            return load_tokenizer(Path(scratch))
        from transformers import AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(
                scratch, local_files_only=True, trust_remote_code=False
            )
        except (OSError, ValueError, ImportError, KeyError) as error:
            raise InputError(
                f"no tokenizer among {', '.join(sorted(files)) or 'no files'}: {error}"
            ) from error
        return forget_origin(tokenizer)


def copy_weights(files: Mapping[str, Path], directory: Path) -> int:
    """Copies configuration and weights; returns the number of parameters.

    Raises InputError for a pickle, a missing shard, or a file that is cut short.
    """
    weights = {name: path for name, path in files.items() if name.endswith(".safetensors")}
    if "config.json" not in files:
        raise InputError(f"no config.json among {', '.join(sorted(files))}: no model directory")
    if not weights:
        pickles = sorted(name for name in files if name.endswith(_PICKLES))
        found = f"; {', '.join(pickles)} is a pickle, which is never read" if pickles else ""
        raise InputError(f"no *.safetensors in {files['config.json'].parent}{found}")
    if _INDEX in files:
        index = json.loads(files[_INDEX].read_text(encoding="utf-8"))
        if lacking := sorted(set(index["weight_map"].values()) - set(weights)):
            raise InputError(f"{_INDEX} names {', '.join(lacking)}, which is not there")
    parameters = sum(_parameters(path) for path in weights.values())
    for name in (*_CONFIGURATION, _INDEX, *weights):
        if name in files:
            shutil.copyfile(files[name], directory / name)
    return parameters


def _parameters(path: Path) -> int:
    """Elements of all tensors of a file; reads the header alone, which tells a cut file too."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as tensors:
            return sum(prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: no whole safetensors file: {error}") from error
