"""Row counts of the built-in generators, which the control plane may not import.

A test holds these formulas against the generators themselves.
"""

from typing import Any

DEFAULT_MAXIMUM = 20


def generated_rows(name: str, arguments: dict[str, Any]) -> int | None:
    """Rows per language, or None for a generator that only its plug-in knows."""
    family, _, task = name.partition("/")
    if family != "number-words":
        return None
    numbers = int(arguments.get("maximum", DEFAULT_MAXIMUM)) + 1
    everything = numbers if task == "words" else numbers**2
    return int(arguments.get("count", 0)) or everything
