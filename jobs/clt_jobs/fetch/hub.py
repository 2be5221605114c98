"""Data sets of a hub, or a local directory of the same shape, read through ``datasets``.

The revision is the one that was resolved. The token comes from the environment (``HF_TOKEN``)
alone and appears in no message.
"""

import errno
import os
from collections.abc import Iterator
from typing import Any

from clt_jobs.fetch.readers import Found
from clt_operator.api.errors import CltError, InputError, TransientError
from clt_operator.api.kinds.fetch import RowsRequest

_BATCH = 4096  # rows


def read_hub(request: RowsRequest, columns: frozenset[str]) -> Iterator[Found]:
    """Records of one split. Raises InputError (unknown data set, configuration, split or
    column, no access) or TransientError (network, hub)."""
    data = _split(_load(request), request)
    kept = [name for name in data.column_names if not columns or name in columns]
    if kept != data.column_names and kept:
        data = data.select_columns(kept)
    number = 0
    for table in data.with_format("arrow").iter(_BATCH):
        for record in table.to_pylist():
            number += 1
            yield Found(f"hf:{request.name}: row {number}", record)


def _load(request: RowsRequest) -> Any:
    from datasets import disable_progress_bars, load_dataset

    disable_progress_bars()
    try:
        return load_dataset(
            request.name,
            request.config or None,
            revision=request.digest or None,
            token=os.environ.get("HF_TOKEN") or None,
        )
    except Exception as error:
        raise _translated(request.name, error) from error


def _translated(name: str, error: Exception) -> CltError:
    """Faults of the network and of the hub may pass; all else is the request's."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    kind = type(error).__name__
    may_pass = isinstance(error, ConnectionError | TimeoutError) or kind in (
        *("ConnectError", "ConnectTimeout", "ReadTimeout", "LocalEntryNotFoundError"),
        "RemoteProtocolError",
    )
    if may_pass or (status is not None and (status == 429 or status >= 500)):
        return TransientError(f"hf:{name}: the hub does not answer: {kind}: {error}")
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return TransientError(f"hf:{name}: the disk of the cache (HF_HOME) is full")
    if status in (401, 403):
        return InputError(f"hf:{name}: no access: set HF_TOKEN to a token that may read it")
    return InputError(f"hf:{name}: cannot be loaded: {kind}: {error}")


def _split(data: Any, request: RowsRequest) -> Any:
    splits = list(data)
    if request.split:
        if request.split not in splits:
            raise InputError(
                f"hf:{request.name}: no split {request.split!r}: it has {', '.join(splits)}"
            )
        return data[request.split]
    if len(splits) != 1:
        raise InputError(f"hf:{request.name}: name one of its splits: {', '.join(splits)}")
    return data[splits[0]]
