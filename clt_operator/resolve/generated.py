"""Row counts of the built-in generators, which the control plane may not import.

A test holds these formulas against the generators themselves.
"""

from typing import Any

from clt_operator.api.errors import InputError

FAMILY = "number-words"
TASKS = ("digit-sums", "words", "readings", "sums")
DEFAULT_MAXIMUM = 20


def generated_rows(name: str, arguments: dict[str, Any]) -> int | None:
    """Rows per language, or None for a generator that only its plug-in knows.

    Raises InputError for an unknown one of the built-in family, or arguments that are no
    counts; all else about them is the generator's to judge.
    """
    family, _, task = name.partition("/")
    if family != FAMILY:
        return None
    if task not in TASKS:
        known = ", ".join(f"{FAMILY}/{each}" for each in TASKS)
        raise InputError(f"unknown generator {name!r}; known: {known}")
    maximum, count = arguments.get("maximum", DEFAULT_MAXIMUM), arguments.get("count", 0)
    for field, value in (("maximum", maximum), ("count", count)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise InputError(f"generator {name}: {field} must be a whole number, is {value!r}")
    everything = maximum + 1 if task == "words" else (maximum + 1) ** 2
    if count > everything:
        raise InputError(
            f"generator {name}: count {count} is more than the {everything} rows that numbers "
            f"up to {maximum} make"
        )
    return int(count or everything)
