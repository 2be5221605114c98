"""Attempts: claimed by conditional create, ended by a write-once outcome.

A claim's number is one more than the highest there is; two that race for the same number are
told apart by the store. The holder of a lower number is superseded and stops.
"""

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from clt_operator.api.errors import StoreError
from clt_operator.api.step import Claim, Outcome
from clt_operator.store import layout
from clt_operator.store.protocol import ObjectNotFound, ObjectStore
from clt_operator.store.records import encode, read, read_object


@dataclass(frozen=True, slots=True)
class AttemptState:
    claim: Claim
    outcome: Outcome | None  # None: still running, or its holder is gone without a word


def last_word(states: Sequence[AttemptState]) -> str:
    """What the last attempt of a failed step that ended said."""
    outcomes = [state.outcome for state in states if state.outcome]
    return (outcomes[-1].message if outcomes else "") or "failed"


class Attempts:
    def __init__(self, store: ObjectStore) -> None:
        self.store = store

    def claim(self, key: str, holder: str, now: str) -> Claim:
        """Takes the next attempt of a step. ``now`` is RFC 3339, UTC."""
        highest = max(self._numbers(layout.claims(key)), default=0)
        for number in itertools.count(highest + 1):
            claim = Claim(key=key, attempt=number, holder=holder, claimed_at=now)
            if self.store.create(layout.claim(key, number), encode(claim)):
                return claim
        raise AssertionError("unreachable: numbers do not end")

    def superseded(self, claim: Claim) -> bool:
        """Whether a higher attempt was claimed: the holder of this one has to stop."""
        return any(n > claim.attempt for n in self._numbers(layout.claims(claim.key)))

    def attempts(self, key: str) -> list[AttemptState]:
        """Every attempt of a step, by number."""
        ended = set(self._numbers(layout.outcomes(key)))
        states = []
        for number in self._numbers(layout.claims(key)):
            claim = read(self.store, layout.claim(key, number), Claim)
            if claim is None:  # collected since the listing
                continue
            outcome = (
                read(self.store, layout.outcome(key, number), Outcome) if number in ended else None
            )
            states.append(AttemptState(claim, outcome))
        return states

    def attempt_numbers(self) -> dict[str, list[int]]:
        """The claimed attempts of every key, by one listing."""
        return self._all_numbers(layout.CLAIMS)

    def outcome_numbers(self) -> dict[str, list[int]]:
        """The ended attempts of every key, by one listing."""
        return self._all_numbers(layout.OUTCOMES)

    def outcome(self, key: str, attempt: int) -> Outcome | None:
        return read(self.store, layout.outcome(key, attempt), Outcome)

    def record_outcome(self, outcome: Outcome) -> bool:
        """Says how an attempt ended, once; False where it was said before."""
        return self.store.create(layout.outcome(outcome.key, outcome.attempt), encode(outcome))

    def write_progress(self, claim: Claim, figures: dict[str, float]) -> None:
        """Replaces the attempt's progress; its time of writing is the heartbeat."""
        self.store.put(
            layout.progress(claim.key, claim.attempt), encode(dict(figures)), durable=False
        )

    def progress(self, key: str, attempt: int) -> tuple[dict[str, float], float] | None:
        """The last figures and when they were written (epoch seconds, the store's clock)."""
        name = layout.progress(key, attempt)
        modified = next((i.modified for i in self.store.list(name) if i.name == name), None)
        figures = read_object(self.store, name) if modified is not None else None
        if modified is None or figures is None:
            return None
        try:
            return {figure: float(value) for figure, value in figures.items()}, modified
        except (TypeError, ValueError) as error:
            raise StoreError(f"{name} in {self.store.uri} holds no figures: {error}") from error

    def write_log(self, key: str, attempt: int, data: bytes) -> None:
        """Replaces the attempt's log. The caller has redacted it."""
        self.store.put(layout.log(key, attempt), data, durable=False)

    def log(self, key: str, attempt: int) -> bytes | None:
        try:
            return self.store.get(layout.log(key, attempt))
        except ObjectNotFound:
            return None

    def _numbers(self, prefix: str) -> list[int]:
        found = (layout.numbered(info.name) for info in self.store.list(prefix))
        return sorted(pair[1] for pair in found if pair)

    def _all_numbers(self, prefix: str) -> dict[str, list[int]]:
        numbers = defaultdict(list)
        for info in self.store.list(prefix):
            if pair := layout.numbered(info.name):
                numbers[pair[0]].append(pair[1])
        return {key: sorted(found) for key, found in numbers.items()}
