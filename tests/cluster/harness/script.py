"""What the steps of a stub do: by default they commit at once; a test says what else.

    script.add(kind="train", ends="oom", times=1)       # each training: killed once, then fine
    script.add(key="3f2a", ends="fail", code=65)        # the input of one step is at fault
    gate = script.hold(kind="generate")                 # they wait until gate.set()

Rules that were added last come first.
"""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from clt_operator.api.step import StepDocument

Ends = Literal[
    "commit",  # as the runner does; all the others happen ``times`` times, then this
    "fail",  # the runner records an outcome and exits with ``code``
    "silent",  # exits with ``code`` and writes nothing: also 0 without a manifest
    "oom",  # OOMKilled after the claim, without a word
    "killed",  # the same by SIGKILL: exit code 137, reason Error
    "killed after commit",  # the manifest is written, the outcome is not
    "hang",  # never ends by itself
    "deaf",  # never ends, and does not hear SIGTERM either
]
ALWAYS = 1_000_000


@dataclass(frozen=True)
class Rule:
    """How matching steps behave."""

    matches: Callable[[StepDocument], bool]
    ends: Ends = "commit"
    times: int = ALWAYS
    code: int = 1
    delay: float = 0.0  # seconds of work before the end
    gate: threading.Event | None = None  # no end before it is set
    message: str = ""
    fired: Counter[str] = field(default_factory=Counter)


COMMIT = Rule(lambda document: True)


class Script:
    """The rules of one stub; safe to change while it runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []

    def add(
        self,
        *,
        kind: str = "",
        key: str = "",
        labels: dict[str, str] | None = None,
        ends: Ends = "commit",
        times: int = ALWAYS,
        code: int = 1,
        delay: float = 0.0,
        message: str = "",
        gate: threading.Event | None = None,
    ) -> Rule:
        """A rule for steps of a kind, whose key begins with ``key``, that carry ``labels``;
        what is left empty matches all. ``times`` counts per step."""

        def matches(document: StepDocument) -> bool:
            return (
                document.kind.startswith(kind)
                and document.key.startswith(key)
                and all(document.labels.get(n) == v for n, v in (labels or {}).items())
            )

        rule = Rule(matches, ends, times, code, delay, gate, message)
        with self._lock:
            self._rules.insert(0, rule)
        return rule

    def hold(self, **which: str) -> threading.Event:
        """Steps that match wait, running, until the returned event is set."""
        gate = threading.Event()
        self.add(gate=gate, **which)  # type: ignore[arg-type]
        return gate

    def remove(self, rule: Rule) -> None:
        with self._lock:
            self._rules.remove(rule)

    def clear(self) -> None:
        """Every step commits at once again; gates are opened."""
        with self._lock:
            rules, self._rules = self._rules, []
        for rule in rules:
            if rule.gate:
                rule.gate.set()

    def next(self, document: StepDocument) -> Rule:
        """The rule for this attempt of a step; counts it."""
        with self._lock:
            for rule in self._rules:
                if rule.matches(document) and rule.fired[document.key] < rule.times:
                    rule.fired[document.key] += 1
                    return rule
        return COMMIT
