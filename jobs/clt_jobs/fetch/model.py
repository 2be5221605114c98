"""fetch of a model: from a directory, a hub, a GGUF file, or freshly initialised.

Whatever the source, the outputs look the same: ``model`` holds config.json, safetensors and the
tokenizer, ``tokenizer`` the tokenizer alone, so that tokens do not depend on weights. Code
and pickles that come with a model are neither run nor read.
"""

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from clt_jobs.context import Context
from clt_jobs.data.rows import iter_rows, read_table
from clt_jobs.fetch.gguf_file import dequantise
from clt_jobs.fetch.model_files import collect_files, copy_weights, read_tokenizer
from clt_jobs.models.builders import build_model
from clt_jobs.models.load import read_config, save_model, save_tokenizer
from clt_jobs.models.tokenizers import build_tokenizer
from clt_operator.api.errors import InputError, TransientError
from clt_operator.api.kinds.fetch import ModelFormat, ModelRequest

_HUB_PATTERNS = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]


def fetch_model(request: ModelRequest, context: Context) -> None:
    """Writes the outputs ``model`` (weights, configuration, tokenizer) and ``tokenizer``.

    Raises InputError where the model is not there or not usable, naming the place.
    """
    with TemporaryDirectory() as scratch:
        _FORMATS[request.format](request, context, Path(scratch))


def _initialise(request: ModelRequest, context: Context, _scratch: Path) -> None:
    alphabet = set(request.alphabet)
    for name in context.input_names:
        if name.startswith("text/"):
            alphabet |= _characters(context.input(name))
    tokenizer = build_tokenizer(request.tokenizer or "characters", alphabet)
    model = build_model(request.architecture, tokenizer, request.seed)
    save_model(model, tokenizer, context.output("model"))
    save_tokenizer(tokenizer, context.output("tokenizer"))
    context.summarise(
        parameters=sum(tensor.numel() for tensor in model.parameters()), vocabulary=len(tokenizer)
    )


def _characters(rows: Path) -> set[str]:
    """Every character of the prompts, responses, answers and options of rows."""
    found: set[str] = set()
    for row in iter_rows(read_table(rows)):
        found.update(row.prompt or "", row.response or "", row.answer or "", *(row.options or ()))
    return found


def _directory(request: ModelRequest, context: Context, scratch: Path) -> None:
    _take(collect_files(context.hints, request.digest, scratch), context)


def _hub(request: ModelRequest, context: Context, scratch: Path) -> None:
    """A snapshot at the pinned revision; the token comes from the environment only."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        snapshot = snapshot_download(
            request.name,
            revision=request.digest,
            cache_dir=scratch,
            allow_patterns=_HUB_PATTERNS,
            token=os.environ.get("HF_TOKEN") or False,
        )
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise InputError(
            f"hf:{request.name} at {request.digest}: not there, or gated and HF_TOKEN lacks "
            f"access to it"
        ) from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise TransientError(f"hf:{request.name}: the hub did not answer: {error}") from error
    _take({path.name: path for path in Path(snapshot).iterdir() if path.is_file()}, context)


def _gguf(request: ModelRequest, context: Context, scratch: Path) -> None:
    files = collect_files(context.hints, request.digest, scratch)
    if len(files) != 1:
        raise InputError(f"a GGUF model is one file, found {', '.join(sorted(files)) or 'none'}")
    model, tokenizer, quantisation = dequantise(next(iter(files.values())))
    save_model(model, tokenizer, context.output("model"))
    save_tokenizer(tokenizer, context.output("tokenizer"))
    context.summarise(
        parameters=sum(tensor.numel() for tensor in model.parameters()),
        vocabulary=len(tokenizer),
        tokens_without_embedding=max(0, len(tokenizer) - model.config.vocab_size),
        dequantised=True,
        source_quantisation=quantisation,
    )


def _take(files: dict[str, Path], context: Context) -> None:
    """The outputs of a model that is a directory of files already."""
    tokenizer = read_tokenizer(files)
    parameters = copy_weights(files, context.output("model"))
    save_tokenizer(tokenizer, context.output("model"))
    save_tokenizer(tokenizer, context.output("tokenizer"))
    rows = int(read_config(context.output("model")).get("vocab_size", len(tokenizer)))
    context.summarise(
        parameters=parameters,
        vocabulary=len(tokenizer),
        tokens_without_embedding=max(0, len(tokenizer) - rows),
    )


_FORMATS: dict[ModelFormat, Callable[[ModelRequest, Context, Path], None]] = {
    "init": _initialise,
    "directory": _directory,
    "hf": _hub,
    "gguf": _gguf,
}
