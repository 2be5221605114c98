"""Keys: the name of a result is the SHA-256 of everything that decides its bytes.

Canonical JSON is UTF-8, sorted, without white space; floats are written in their shortest
form that reads back (Python's ``repr``), and NaN is refused.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from clt_operator.api.base import Params

_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def canonical(value: Any) -> str:
    """The one JSON text of a value.

    Raises ValueError for NaN and infinities, TypeError for what JSON cannot say.
    """
    return _ENCODER.encode(value)


def canonical_params(params: Params) -> str:
    """Parameters as hashed: fields at their introduction default are left out."""
    return canonical(params.model_dump(mode="json", exclude_defaults=True))


def step_key(
    kind: str, version: int, params_json: str, inputs: Iterable[tuple[str, str, str]]
) -> str:
    """The key of a step.

    ``inputs`` are (name, key of the artifact, output name); their order does not matter.
    """
    listed = canonical(sorted(inputs))
    text = f'{{"inputs":{listed},"kind":"{kind}","params":{params_json},"version":{version}}}'
    return hashlib.sha256(text.encode()).hexdigest()


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of a value, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def files_digest(sha256s: list[str]) -> str:
    """The content digest of a source of several files; their names do not matter.

    ``sha256s`` are the SHA-256 of each file's bytes as stored, in hexadecimal, in the order in
    which the files are read: the position of a row names its item, so the order decides bytes.
    """
    return digest(sha256s)
