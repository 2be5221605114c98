"""Keys: the name of a result is the SHA-256 of everything that decides its bytes.

Canonical JSON is UTF-8, sorted, without white space; floats are written in their shortest
form that reads back (Python's ``repr``), and NaN is refused.
"""

import hashlib
import json
from collections.abc import Iterable
from json.encoder import encode_basestring
from typing import Any

from clt_operator.api.base import Params

_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)

_PIECE = 1_000  # inputs hashed at a time
_CHARACTERS = 1 << 20  # of parameters hashed at a time


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
    """The key of a step: SHA-256 of the canonical JSON of all that is given here.

    ``inputs`` are (name, key of the artifact, output name); their order does not matter. The
    text is hashed in pieces: a collection reads hundreds of thousands of inputs.
    """
    listed = sorted(inputs)
    if len(listed) <= _PIECE and len(params_json) <= _CHARACTERS:
        text = (
            f'{{"inputs":[{_listed(listed)}],"kind":"{kind}","params":{params_json},'
            f'"version":{version}}}'
        )
        return hashlib.sha256(text.encode()).hexdigest()
    made = hashlib.sha256(b'{"inputs":[')
    for at in range(0, len(listed), _PIECE):
        made.update(b"," if at else b"")
        made.update(_listed(listed[at : at + _PIECE]).encode())
    made.update(f'],"kind":"{kind}","params":'.encode())
    for at in range(0, len(params_json), _CHARACTERS):
        made.update(params_json[at : at + _CHARACTERS].encode())
    made.update(f',"version":{version}}}'.encode())
    return made.hexdigest()


def _listed(inputs: list[tuple[str, str, str]]) -> str:
    """Inputs as canonical JSON without the outer brackets, quicker than by the encoder."""
    text = encode_basestring
    return ",".join(f"[{text(name)},{text(key)},{text(out)}]" for name, key, out in inputs)


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of a value, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def files_digest(sha256s: list[str]) -> str:
    """The content digest of a source of several files; their names do not matter.

    ``sha256s`` are the SHA-256 of each file's bytes as stored, in hexadecimal, in the order in
    which the files are read: the position of a row names its item, so the order decides bytes.
    """
    return digest(sha256s)
