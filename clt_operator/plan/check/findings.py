"""Collects problems; knows the checks that recur: unique names, known names."""

import difflib
from collections.abc import Iterable, Sequence

from clt_operator.api.errors import Problem
from clt_operator.api.languages import UnknownLanguage, language


class Findings:
    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, path: str, message: str, hint: str = "") -> None:
        self.problems.append(Problem(path, message, hint))

    def unique(self, path: str, names: Sequence[str], field: str = ".name") -> None:
        """Each repeated name is a problem at its second place."""
        seen: set[str] = set()
        for at, name in enumerate(names):
            if name in seen:
                self.add(f"{path}[{at}]{field}", f"{name!r} is used twice", "list each once")
            seen.add(name)

    def known(self, path: str, name: str, names: Iterable[str], what: str) -> bool:
        """Whether the name is one of ``names``; if not, a problem that offers the nearest."""
        names = list(names)
        if name in names:
            return True
        near = difflib.get_close_matches(name, names, 1)
        listed = f"known: {', '.join(names)}" if names else "there is none"
        self.add(
            path, f"no {what} is called {name!r}", f"did you mean {near[0]!r}?" if near else listed
        )
        return False

    def language(self, path: str, code: str) -> bool:
        """Whether a code is one that a spec may use: known, and spelled as everywhere here, so
        that a mix and the evaluated languages cannot mean the same by two names."""
        try:
            meant = language(code)
        except UnknownLanguage as error:
            near = language(error.nearest)
            self.add(path, f"unknown language {code!r}: did you mean {near.code!r} ({near.name})?")
            return False
        if meant.code != code:
            self.add(path, f"{code!r} is {meant.name}, called {meant.code!r} here", "write that")
            return False
        return True
