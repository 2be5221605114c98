"""Errors that a user sees: each names the place and the next step.

A wrong spec is reported whole: problems are collected, then raised once as a SpecError.
"""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong with a spec: where it is and what to do about it."""

    path: str  # field path, such as spec.sweeps[0].mixes[1]
    message: str
    hint: str = ""
    file: str = ""
    line: int = 0  # from 1; 0 where unknown
    column: int = 0  # from 1; 0 where a line says enough

    def __str__(self) -> str:
        place = f"{self.file or 'spec'}:{self.line}" if self.line else self.file
        place += f":{self.column}" if self.line and self.column else ""
        head = ": ".join(part for part in (place, self.path, self.message) if part)
        return f"{head} ({self.hint})" if self.hint else head


class CltError(Exception):
    """Base of the errors that are shown without a traceback; ``exit_code`` is the CLI's."""

    exit_code = 1


class SpecError(CltError):
    """The spec is wrong. Carries every problem found, in the order of the file; its text
    shows the first 100 and says how many there are."""

    exit_code = 2
    shown = 100

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems, key=lambda p: (p.file, p.line, p.column, p.path))
        shown = [str(problem) for problem in self.problems[: self.shown]]
        if len(self.problems) > self.shown:
            shown.append(f"and {len(self.problems) - self.shown} more problems")
        super().__init__("\n".join(shown))


class InputError(CltError):
    """The data or a model that a step reads is at fault: never retried (exit code 65)."""


class StoreError(CltError):
    """The object store refused or failed."""


class TransientError(CltError):
    """A fault that may pass: counted and retried (exit code 74)."""
