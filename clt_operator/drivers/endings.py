"""How attempts ended, recorded by the driver where no runner could say it (promise 4).

Every attempt gets one outcome: of a process that died, by its exit; of a claim whose holder
is gone, ``lost``; of a commit whose process died right after it, ``committed``.
"""

import signal
from collections.abc import Iterator
from dataclasses import dataclass

from clt_operator.api.redaction import Redact
from clt_operator.api.step import Claim, Outcome, OutcomeKind
from clt_operator.api.times import now
from clt_operator.drivers.jobs import Job
from clt_operator.drivers.process import oom_kills
from clt_operator.drivers.view import View
from clt_operator.reconcile import outcome_of_exit

LONGEST_LINE = 300  # characters of a process's last words that an outcome quotes


@dataclass(frozen=True, slots=True)
class Ending:
    key: str
    outcome: OutcomeKind
    message: str = ""


class Endings:
    def __init__(self, view: View, redact: Redact) -> None:
        self._view, self._redact = view, redact
        self._artifacts = view.artifacts

    def of_head(self, job: Job) -> Ending | None:
        """How the step that a running Job works on ended; None while it goes on."""
        key = job.left[0]
        self._view.refresh(key)
        if key in self._view.committed:
            return Ending(key, "committed")
        for state in self._view.attempts[key]:
            if state.claim.holder == str(job.holder) and state.outcome is not None:
                return Ending(key, state.outcome.outcome, state.outcome.message)
        return None

    def of_job(self, job: Job, *, charge: bool) -> Iterator[Ending]:
        """The endings of a Job's steps after its process ended; those not begun are left out.

        A process that did nothing at all is charged to its first step (with ``charge``), so
        that a runner that cannot start is not started for ever.
        """
        begun = len(job.left) < len(job.keys)
        for key in list(job.left):
            self._view.refresh(key)
            ending = self._of_step(job, key)
            if ending is not None:
                begun = True
                yield ending
        if not begun and charge and job.process is not None:
            claim = self._artifacts.claim(job.left[0], str(job.holder), now())
            yield self._close(job, claim)

    def lost(self, key: str, attempt: int) -> Ending:
        """Records that the holder of an open claim is gone."""
        return self._record(key, attempt, "lost", "its process is gone without a word", None)

    def settle(self) -> None:
        """Gives an outcome to attempts of committed steps whose process died before it did."""
        ended = self._artifacts.outcome_numbers()
        for key, numbers in self._artifacts.attempt_numbers().items():
            if key not in self._view.committed or set(numbers) <= set(ended.get(key, ())):
                continue
            manifest = self._artifacts.manifest(key)
            for state in self._artifacts.attempts(key):
                if state.outcome is None and self._view.holder_of(state) == "gone":
                    number = state.claim.attempt
                    made = manifest is not None and manifest.attempt == number
                    kind: OutcomeKind = "committed" if made else "lost"
                    self._record(key, number, kind, "its process is gone", None)

    def _of_step(self, job: Job, key: str) -> Ending | None:
        if key in self._view.committed:
            return Ending(key, "committed")
        mine = [s for s in self._view.attempts[key] if s.claim.holder == str(job.holder)]
        if not mine:
            return None
        last = mine[-1]
        if last.outcome is not None:
            return Ending(key, last.outcome.outcome, last.outcome.message)
        return self._close(job, last.claim)

    def _close(self, job: Job, claim: Claim) -> Ending:
        """Records the outcome of a dead process's open claim, and ships what it printed."""
        output = self._redact(job.output(claim.key, claim.attempt).decode(errors="replace"))
        if output:
            self._artifacts.write_log(claim.key, claim.attempt, output.encode())
        code = None if job.process is None else job.process.returncode
        if code is None:
            kind, message = outcome_of_exit(-signal.SIGKILL), "its process ended without a word"
        else:
            kind, message = _kind(job, code), _describe(code, output)
        return self._record(claim.key, claim.attempt, kind, message, code)

    def _record(
        self, key: str, attempt: int, kind: OutcomeKind, message: str, code: int | None
    ) -> Ending:
        self._artifacts.record_outcome(
            Outcome(
                key=key,
                attempt=attempt,
                outcome=kind,
                message=message,
                exit_code=code,
                recorded_by="driver",
                ended_at=now(),
            )
        )
        self._view.refresh(key)
        return Ending(key, kind, message)


def _kind(job: Job, code: int) -> OutcomeKind:
    kind = outcome_of_exit(code)
    if code == -signal.SIGKILL and oom_kills() > job.oom_kills:
        return "out-of-memory"
    return kind


def _describe(code: int, output: str) -> str:
    if code < 0:
        try:
            how = f"killed by {signal.Signals(-code).name}"
        except ValueError:
            how = f"killed by signal {-code}"
    else:
        how = f"exit code {code} and no outcome" if code else "exit code 0 without a manifest"
    last = next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "")
    return f"{how}: {last[:LONGEST_LINE]}" if last else how
