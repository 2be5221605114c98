"""filter: keeps the rows whose field passes one condition, and counts the others."""

import json
import re
from collections import Counter
from collections.abc import Callable

from pydantic import Field, model_validator

from clt_jobs.context import Context
from clt_jobs.data.rows import Row, read_rows, write_rows
from clt_jobs.derive.registry import operation
from clt_operator.api.base import Record
from clt_operator.api.errors import InputError

FIELDS = ("item", "cluster", "language", "prompt", "response", "answer", "provenance")
CONDITIONS = ("equals", "minimum_length", "maximum_length", "matches")


class FilterArguments(Record):
    """``field`` of the row, or ``extra.<name>``, and exactly one condition. Lengths are in
    characters; ``matches`` is a regular expression that is found anywhere in the text."""

    field: str
    equals: str | None = None
    minimum_length: int | None = Field(default=None, ge=0)
    maximum_length: int | None = Field(default=None, ge=0)
    matches: str | None = None

    @model_validator(mode="after")
    def _one_condition(self) -> "FilterArguments":
        given = [name for name in CONDITIONS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(CONDITIONS)}")
        if self.field not in FIELDS and not self.field.startswith("extra."):
            raise ValueError(f"unknown field {self.field!r}: {', '.join(FIELDS)}, extra.<name>")
        return self


@operation("filter", FilterArguments)
def filter_rows(arguments: FilterArguments, context: Context) -> None:
    """Input ``rows``; output ``rows``. Raises InputError where nothing is left."""
    passes, reason = _condition(arguments)
    kept: list[Row] = []
    dropped: Counter[str] = Counter()
    rows = read_rows(context.input("rows"))
    for row in rows:
        text = _text(row, arguments.field)
        if text is None:
            dropped[f"{arguments.field} is null"] += 1
        elif passes(text):
            kept.append(row)
        else:
            dropped[reason] += 1
    if not kept:
        why = ", ".join(f"{name}: {n}" for name, n in sorted(dropped.items()))
        raise InputError(f"the filter leaves none of {len(rows)} rows ({why})")
    write_rows(context.output("rows"), kept)
    context.summarise(rows=len(kept), read=len(rows), dropped=dict(sorted(dropped.items())))


def _condition(arguments: FilterArguments) -> tuple[Callable[[str], bool], str]:
    """The condition, and the reason that is counted where it fails."""
    field, minimum, maximum = arguments.field, arguments.minimum_length, arguments.maximum_length
    if arguments.equals is not None:
        return lambda text: text == arguments.equals, f"{field} is not {arguments.equals!r}"
    if minimum is not None:
        return lambda text: len(text) >= minimum, f"{field} is shorter than {minimum}"
    if maximum is not None:
        return lambda text: len(text) <= maximum, f"{field} is longer than {maximum}"
    try:
        pattern = re.compile(arguments.matches or "")
    except re.error as error:
        raise InputError(f"derive filter: matches is no regular expression: {error}") from error
    return lambda text: pattern.search(text) is not None, f"{field} does not match"


def _text(row: Row, field: str) -> str | None:
    """A field as text; values of ``extra`` that are no strings as JSON."""
    if not field.startswith("extra."):
        text: str | None = getattr(row, field)
        return text
    value = json.loads(row.extra or "{}").get(field.removeprefix("extra."))
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
