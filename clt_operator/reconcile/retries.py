"""Retries: which attempts are charged to a step, and when it is not tried again.

One place for promise 6 of the design: saved on request is free, lost is free up to a cap,
an input at fault is final, everything else counts.
"""

from dataclasses import dataclass

from clt_operator.api.exit_codes import INPUT_AT_FAULT, SAVED_ON_REQUEST, TRANSIENT
from clt_operator.api.step import OutcomeKind
from clt_operator.reconcile.observed import Attempt
from clt_operator.reconcile.policy import Policy

COUNTED: frozenset[OutcomeKind] = frozenset({"transient", "failed", "out-of-memory"})
FROM_OUTSIDE = frozenset({1, 2, 9, 15})  # SIGHUP, SIGINT, SIGKILL, SIGTERM: nobody's fault


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the attempts of an uncommitted step say about trying again."""

    exhausted: bool
    message: str = ""


def judge(attempts: tuple[Attempt, ...], policy: Policy, forgiven: int = 0) -> Verdict:
    """Open claims whose holder is gone count as lost: their outcome is about to be written.

    What came before a ``committed`` outcome does not count: the artifact was there and was
    invalidated or collected since.
    """
    counted = lost = 0
    for attempt in attempts:
        if attempt.number <= forgiven:
            continue
        if attempt.outcome == "committed":
            counted = lost = 0
        elif attempt.outcome == "input-at-fault":
            return Verdict(True, attempt.message or "the input is at fault")
        elif attempt.outcome in COUNTED:
            counted += 1
            if counted >= policy.attempts:
                return Verdict(True, f"{attempt.message or attempt.outcome} (attempt {counted})")
        elif attempt.outcome == "lost" or (attempt.outcome is None and attempt.holder == "gone"):
            lost += 1
            if lost > policy.lost:
                return Verdict(True, f"its process was lost {lost} times")
    return Verdict(False)


def outcome_of_exit(code: int) -> OutcomeKind:
    """The outcome of an attempt that has a claim, no manifest and no outcome of its own.

    ``code`` as ``subprocess`` gives it: negative for a signal, also taken as 128 + signal.
    """
    if code == SAVED_ON_REQUEST:
        return "saved"
    if code == TRANSIENT:
        return "transient"
    if code == INPUT_AT_FAULT:
        return "input-at-fault"
    if (-code if code < 0 else code - 128) in FROM_OUTSIDE:
        return "lost"
    return "failed"
