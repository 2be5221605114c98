"""Variables of a spec: ``${NAME}`` in a value, given with ``--var``, never read elsewhere.

The values that were used are recorded in the lock, so that a study says what it ran on.
"""

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)(\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Variables:
    """Replaces variables in texts and remembers which were used."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self.given = given
        self.used: dict[str, str] = {}

    def substitute(self, text: str) -> str:
        """``text`` with every ``${NAME}`` replaced and ``$${`` written as ``${``.

        Raises ValueError where a variable is not given or a reference is malformed.
        """
        return _REFERENCE.sub(self._value, text) if "${" in text else text

    def _value(self, match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        name, closed = match[1], match[2]
        if not closed or not _NAME.fullmatch(name):
            raise ValueError(
                f"'{match[0][:40]}' is no variable: write ${{NAME}}, or $${{ for a plain ${{"
            )
        if name not in self.given:
            raise ValueError(
                f"the variable {name} is not given: add --var {name}=..., "
                f"or write $${{{name}}} for the plain text"
            )
        self.used[name] = self.given[name]
        return self.given[name]
