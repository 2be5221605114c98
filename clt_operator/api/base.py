"""The two bases of every typed record: what a user writes, and what a key hashes.

Users write camelCase YAML; Python reads snake_case. Unknown fields are refused in both.
"""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class SpecModel(BaseModel):
    """A part of a spec that a user writes: camelCase in YAML, unknown fields refused."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )


class Record(BaseModel):
    """A part of a step document, lock or manifest: snake_case, unknown fields refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# For records of which a step holds tens of thousands: a frozen dataclass with slots, which
# pydantic validates and dumps like a model, at a quarter of the memory. Usage:
# ``__pydantic_config__: ClassVar[ConfigDict] = STRICT``.
STRICT = ConfigDict(extra="forbid")


class Params(Record):
    """The parameters of one step kind: everything that decides the bytes of its result.

    A field keeps the default that it had when it was introduced, for ever: a field at its
    default stays out of the hash, so adding one changes no key. To change a default, raise
    ``version``, which re-keys the kind.
    """

    kind: ClassVar[str]
    version: ClassVar[int] = 1
    together: ClassVar[bool] = False  # all processes of a Job compute it, not the first alone
