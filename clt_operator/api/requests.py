"""What users write beside the spec of an Experiment object, in annotations."""

import hashlib
from collections.abc import Mapping
from typing import Any

VARIABLES = "clt.dev/variables"  # what the command line put into the spec, JSON
REQUESTED = "clt.dev/requested-at"  # a time: look again, the store was changed
RETRY = "clt.dev/retry"  # a time, then the beginnings of keys to forgive, or none: all
LONGEST = 256  # characters; what is longer is named by its digest


def annotation(item: Mapping[str, Any], name: str) -> str:
    """An annotation of an object; empty where it has none."""
    return str((item["metadata"].get("annotations") or {}).get(name, ""))


def handled_of(item: Mapping[str, Any]) -> str:
    """``status.handledRequest`` once what an object asks for now was heeded."""
    return handled(annotation(item, REQUESTED), annotation(item, RETRY))


def handled(requested: str, retry: str) -> str:
    """``status.handledRequest`` once these were heeded: the values of ``clt.dev/requested-at``
    and ``clt.dev/retry``, as short as a status has to be."""
    text = "|".join(filter(None, (requested, retry)))
    if len(text) <= LONGEST:
        return text
    return f"sha256:{hashlib.sha256(text.encode(errors='replace')).hexdigest()}"
