"""One pod of a stub: what ``clt_jobs.runner`` does in the store, without computing anything.

The protocol is the runner's: skip what is committed, claim, commit with the manifest last,
record the outcome; the exit code is the worst of the steps'. The tests of the runner hold it to
that protocol; this is a second, small speaker of it.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cluster.harness.outputs import counted, figures_of, outputs_of, stage
from cluster.harness.script import Rule, Script

from clt_operator.api.errors import CltError, StoreError, TransientError
from clt_operator.api.exit_codes import (
    COMMITTED,
    INPUT_AT_FAULT,
    SAVED_ON_REQUEST,
    TRANSIENT,
)
from clt_operator.api.step import Claim, Manifest, Outcome, OutcomeKind, StepDocument
from clt_operator.store.artifacts import Artifacts

FAILED, KILLED = 1, 137
SEVERITY = (COMMITTED, SAVED_ON_REQUEST, TRANSIENT, INPUT_AT_FAULT, FAILED)  # the worst is last
SAID: dict[int, OutcomeKind] = {INPUT_AT_FAULT: "input-at-fault", TRANSIENT: "transient"}


class Killed(BaseException):
    """SIGKILL, by whomever: nothing is written any more. Carries the container's reason."""


@dataclass(frozen=True)
class Ending:
    """How a container ended, as its kubelet would report it."""

    code: int
    reason: str = ""


@dataclass(frozen=True)
class Record:
    """One attempt that a stub made."""

    key: str
    kind: str
    attempt: int
    outcome: str  # an OutcomeKind, or "" where none was written
    pod: str  # uid

    def __str__(self) -> str:
        ended = self.outcome or "no word"
        return f"{self.kind} {self.key[:12]} attempt {self.attempt}: {ended} ({self.pod[:8]})"


@dataclass
class Container:
    """``run`` in a thread of its own; ``stop`` is SIGTERM, ``gone`` SIGKILL from outside."""

    artifacts: Artifacts
    script: Script
    pod: str
    uid: str
    keys: tuple[str, ...]
    record: Callable[[Record], None]
    stop: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)
    doing: StepDocument | None = None  # the step that is claimed and not over

    def run(self) -> Ending | None:
        """None where the pod was taken away under it."""
        try:
            codes = [self._run(key) for key in dict.fromkeys(self.keys)]
        except Killed as kill:
            reason = str(kill)
            return Ending(KILLED, reason) if reason else None
        return Ending(max(codes, key=_severity, default=COMMITTED))

    def terminate(self) -> None:
        self.stop.set()

    def vanish(self) -> None:
        self.gone.set()
        self.stop.set()

    def _run(self, key: str) -> int:
        if self.stop.is_set():
            self._check_alive()
            return SAVED_ON_REQUEST
        try:
            if self.artifacts.manifest(key) is not None:
                return COMMITTED
            document = self.artifacts.document(key)
            rule = self.script.next(document)
            claim = self.artifacts.claim(key, f"pod:{self.uid}", now())
        except CltError as error:
            return TRANSIENT if isinstance(error, TransientError) else FAILED
        started, self.doing = now(), document
        try:
            outcome, code, message = self._attempt(document, claim, rule)
        except Killed:
            self.record(Record(key, document.kind, claim.attempt, "", self.uid))
            raise
        finally:
            self.doing = None
        if outcome:
            outcome = self._tell(claim, outcome, message, started, counted(document))
        self.record(Record(key, document.kind, claim.attempt, outcome or "", self.uid))
        return code

    def _attempt(
        self, document: StepDocument, claim: Claim, rule: Rule
    ) -> tuple[OutcomeKind | None, int, str]:
        """Outcome (None: not to be written), exit code and message."""
        if self._work(rule):
            return "saved", SAVED_ON_REQUEST, "stopped on request"
        if rule.ends in ("oom", "killed"):
            raise Killed("OOMKilled" if rule.ends == "oom" else "Error")
        if rule.ends == "silent":
            return None, rule.code, ""
        if rule.ends == "fail":
            kind = SAID.get(rule.code, "failed")
            return kind, rule.code, rule.message or f"the stub was told to exit with {rule.code}"
        return self._commit(document, claim, rule)

    def _work(self, rule: Rule) -> bool:
        """True where it was asked to stop meanwhile."""
        if rule.ends == "deaf":
            self.gone.wait()
        elif rule.ends == "hang":
            self.stop.wait()
        else:
            if rule.delay:
                self.stop.wait(rule.delay)
            while rule.gate and not rule.gate.wait(0.05) and not self.stop.is_set():
                pass
        self._check_alive()
        return self.stop.is_set()

    def _commit(
        self, document: StepDocument, claim: Claim, rule: Rule
    ) -> tuple[OutcomeKind | None, int, str]:
        try:
            missing = self._missing_input(document)
            if missing:
                return "transient", TRANSIENT, missing
            files = stage(self.artifacts, claim, document)
            self._check_alive()
            manifest = Manifest(
                key=claim.key,
                kind=document.kind,
                attempt=claim.attempt,
                outputs=files,
                summary=dict(figures_of(document)),
                provenance={
                    "holder": claim.holder,
                    "started_at": claim.claimed_at,
                    "ended_at": now(),
                    "stub": True,
                },
            )
            won = self.artifacts.commit(manifest)
        except CltError as error:
            passing = isinstance(error, (TransientError, StoreError))
            return ("transient", TRANSIENT, str(error)) if passing else ("failed", 1, str(error))
        if rule.ends == "killed after commit":
            raise Killed("Error")
        if won:
            return "committed", COMMITTED, ""
        return "lost-race", COMMITTED, "another attempt committed first or took over"

    def _missing_input(self, document: StepDocument) -> str:
        """What the runner would find out on reading its inputs."""
        for item in document.inputs:
            manifest = self.artifacts.manifest(item.key)
            if manifest is None:
                return f"input {item.key} is not committed (any more)"
            if item.output not in manifest.outputs:
                raise AssertionError(
                    f"the stub commits {outputs_of(document)} of a {manifest.kind} step, but "
                    f"{document.kind} reads {item.output!r}: add it to outputs.py"
                )
        return ""

    def _tell(
        self,
        claim: Claim,
        kind: OutcomeKind,
        message: str,
        started: str,
        figures: Mapping[str, float],
    ) -> OutcomeKind | None:
        self._check_alive()
        outcome = Outcome(
            key=claim.key,
            attempt=claim.attempt,
            outcome=kind,
            message=message,
            started_at=started,
            ended_at=now(),
            figures=dict(figures),
        )
        try:
            self.artifacts.record_outcome(outcome)
        except CltError:
            return None  # as the runner: the driver will record one from the exit code
        return kind

    def _check_alive(self) -> None:
        if self.gone.is_set():
            raise Killed("")


def now() -> str:
    """The time as the runner writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _severity(code: int) -> int:
    return SEVERITY.index(code) if code in SEVERITY else len(SEVERITY)
