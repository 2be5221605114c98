"""One attempt of one step: claim, run, stage, commit, and an outcome whatever happens.

The log is shipped before the manifest, the manifest before the outcome: what an observer sees
of an attempt is always a prefix of that order.
"""

import logging
import shutil
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clt_jobs import registry
from clt_jobs.runner.context import Inputs, RunnerContext
from clt_jobs.runner.environment import pin_environment
from clt_jobs.runner.faults import EXIT_CODES, Fault, classify, is_of_the_group
from clt_jobs.runner.heartbeat import Heartbeat
from clt_jobs.runner.lead import Lead, Trouble
from clt_jobs.runner.provenance import provenance
from clt_jobs.runner.stop import Stop
from clt_jobs.runner.tee import Tee
from clt_jobs.runner.world import World, computed_together
from clt_jobs.telemetry.recorder import Recorder
from clt_operator.api.errors import TransientError
from clt_operator.api.kinds import parse_params
from clt_operator.api.redaction import Redact
from clt_operator.api.step import Claim, Manifest, Outcome, StepDocument
from clt_operator.api.times import now
from clt_operator.store.artifacts import Artifacts
from clt_operator.store.cache import FileCache

log = logging.getLogger("clt.runner")

SHIP_LOG_EVERY = 30.0  # seconds; so that a process that is killed leaves most of its log


@dataclass
class Runner:
    """What the attempts of one process share. ``hints`` replace those of stored documents."""

    artifacts: Artifacts
    holder: str
    scratch: Path
    redact: Redact
    stop: Stop = field(default_factory=Stop)
    hints: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    cache: FileCache | None = None
    lead: Lead | None = None  # where there are other ranks
    telemetry: Recorder = field(default_factory=Recorder)

    def __post_init__(self) -> None:
        self.inputs = Inputs(self.artifacts, self.scratch / "inputs", self.cache)

    def run(self, key: str) -> Outcome | None:
        """The outcome of a new attempt; None where the step is committed already.

        Raises StoreError or TransientError where no attempt could be claimed, or the store
        knows no such step.
        """
        if self.artifacts.manifest(key) is not None:
            log.info("%s: committed already", key[:12])
            return None
        document = self.artifacts.document(key)
        lead = self.lead if computed_together(document.kind) else None
        if lead and not lead.whole:
            raise TransientError("another process of this Job is gone: not begun without it")
        attempt = Attempt(self, document, self.artifacts.claim(key, self.holder, now()))
        try:
            outcome = attempt.run()
        finally:
            shutil.rmtree(attempt.folder, ignore_errors=True)
        if lead:
            lead.ended(key, EXIT_CODES[outcome.outcome])
        return outcome


class Attempt:
    def __init__(self, runner: Runner, document: StepDocument, claim: Claim) -> None:
        self.runner, self.document, self.claim = runner, document, claim
        self.artifacts = runner.artifacts
        self.folder = runner.scratch / f"{claim.key[:16]}-{claim.attempt:04d}"
        self.taken = threading.Event()  # a higher attempt was claimed
        self.lead = runner.lead if computed_together(document.kind) else None
        self.left_to_driver = False  # how it ended is not known here

    def run(self) -> Outcome:
        started = now()
        manifest: Manifest | None = None
        fault: Fault | None = None
        self.folder.mkdir(parents=True)
        self.runner.telemetry.begin(self.document.labels, self.claim.attempt)
        tee = Tee(self.folder / "log.txt", self.runner.redact)
        with tee:
            try:
                manifest = self._compute(tee, started)
            except BaseException as error:  # whatever it is, it becomes the attempt's outcome
                fault = self._fault(error)
        self.ship(tee)
        if manifest is not None:
            fault = self._commit(manifest)
        return self._record(fault or Fault("committed", ""), started)

    def _compute(self, tee: Tee, started: str) -> Manifest:
        """Runs the step and stages its files; the manifest is not written yet."""
        document = self.document
        hints = self.runner.hints.get(document.key, document.hints)
        log.info("%s %s attempt %d", document.kind, document.key[:12], self.claim.attempt)
        self._check_inputs(document)
        pin_environment(document.kind, hints)
        params = parse_params(document.kind, document.version, document.params)
        try:
            function = registry.implementation(document.kind)
        except KeyError:
            raise RuntimeError(f"this image implements no step kind {document.kind!r}") from None
        shipper = _LogShipper(self, tee)
        with Heartbeat(shipper.write_figures, self._look) as heartbeat:
            context = RunnerContext(
                document=document,
                hints=hints,
                claim=self.claim,
                artifacts=self.artifacts,
                inputs=self.runner.inputs,
                folder=self.folder,
                stop=self.runner.stop,
                heartbeat=heartbeat,
                superseded=self._superseded,
                tell_resume=self.lead.tell_resume if self.lead else None,
                telemetry=self.runner.telemetry,
            )
            with self._together(tee, started):
                function(params, context)
            files = self.artifacts.stage_outputs(self.claim, context.outputs)
        return Manifest(
            key=document.key,
            kind=document.kind,
            attempt=self.claim.attempt,
            outputs=files,
            summary=context.summary,
            provenance=provenance(
                holder=self.claim.holder,
                started_at=started,
                resumed_from=context.resumed_from,
                world=self._world(),
            ),
        )

    @contextmanager
    def _together(self, tee: Tee, started: str) -> Iterator[None]:
        """While all ranks compute, where there are others."""
        if self.lead is None:
            yield
            return

        def abandon(trouble: Trouble) -> None:  # in a thread, as this one waits for the others
            self.left_to_driver = trouble.silent
            self.ship(tee)
            self._record(trouble.fault, started)
            tee.close()

        try:
            self.lead.begin(self.document.key, self.claim.attempt, abandon)
            yield
        finally:
            self.lead.over()

    def _world(self) -> dict[str, Any]:
        if self.lead is None:
            return World().record(self.document.kind, "")
        return self.lead.world.record(self.document.kind, self.lead.group.backend)

    def _check_inputs(self, document: StepDocument) -> None:
        for key in dict.fromkeys(item.key for item in document.inputs):
            if self.artifacts.manifest(key) is None:
                raise TransientError(f"input {key} is not committed (any more)")

    def _commit(self, manifest: Manifest) -> Fault | None:
        try:
            if self.artifacts.commit(manifest):
                return None
        except Exception as error:
            # The answer may be lost where the write was not.
            if not self._is_ours():
                traceback.print_exc()
                return classify(error)
            return None
        if self._is_ours():
            return None
        return Fault("lost-race", "another attempt committed first or took over")

    def _is_ours(self) -> bool:
        try:
            there = self.artifacts.manifest(self.claim.key)
        except Exception:
            return False
        return there is not None and there.attempt == self.claim.attempt

    def _fault(self, error: BaseException) -> Fault:
        fault = classify(error)
        if self.lead and is_of_the_group(error) and (trouble := self.lead.trouble()):
            log.warning("%s", fault.message)
            self.left_to_driver = trouble.silent
            return trouble.fault
        if fault.outcome == "saved":
            log.info("stopped on request: %s", fault.message)
            if self.taken.is_set():
                return Fault("lost-race", "a higher attempt was claimed")
        else:
            traceback.print_exception(error)
        return fault

    def _superseded(self) -> bool:
        if self.artifacts.superseded(self.claim):
            self.taken.set()
        return self.taken.is_set()

    def _look(self) -> None:
        if self._superseded():
            log.warning("a higher attempt was claimed: stopping")
            self.runner.stop.request()

    def ship(self, tee: Tee) -> None:
        try:
            self.artifacts.write_log(self.claim.key, self.claim.attempt, tee.kept())
        except Exception as error:  # the result counts, not its log
            log.warning("the log of %s could not be stored: %s", self.claim.key[:12], error)

    def _record(self, fault: Fault, started: str) -> Outcome:
        outcome = Outcome(
            key=self.claim.key,
            attempt=self.claim.attempt,
            outcome=fault.outcome,
            message=self.runner.redact(fault.message),
            started_at=started,
            ended_at=now(),
            figures=self.runner.telemetry.take_figures(),
        )
        level = logging.INFO if fault.outcome == "committed" else logging.WARNING
        log.log(level, "%s %s %s", self.claim.key[:12], outcome.outcome, outcome.message)
        if self.left_to_driver:  # which sees how the pods ended
            return outcome
        try:
            self.artifacts.record_outcome(outcome)
        except Exception as error:  # the driver will record one from the exit code
            log.warning("the outcome of %s could not be stored: %s", self.claim.key[:12], error)
        return outcome


class _LogShipper:
    """Beats carry the log, too, now and then."""

    def __init__(self, attempt: Attempt, tee: Tee) -> None:
        self._attempt, self._tee = attempt, tee
        self._size, self._beats = 0, 0.0

    def write_figures(self, figures: dict[str, float]) -> None:
        self._attempt.artifacts.write_progress(self._attempt.claim, figures)
        due = time.monotonic() - self._beats >= SHIP_LOG_EVERY
        if due and self._tee.size != self._size:
            self._size, self._beats = self._tee.size, time.monotonic()
            self._attempt.ship(self._tee)
