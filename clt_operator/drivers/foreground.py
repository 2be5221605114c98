"""One study driven on a cluster from here, with no operator and no Experiment object.

The same look, reconcile and act as the operator's; Jobs are told as this study's by a label. It
may be killed at any moment: Jobs go on and commit, and the next driver finds them. A stop that
is asked for (SIGINT, SIGTERM) deletes the Jobs, with time to save.
"""

import os
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, Literal, Protocol

from clt_operator.api.errors import CltError, StoreError, TransientError
from clt_operator.api.lock import Lock
from clt_operator.api.profiles import Profiles, Settings
from clt_operator.api.redaction import redactor
from clt_operator.api.spec import Experiment
from clt_operator.api.step import OutcomeKind
from clt_operator.cluster.api import Api
from clt_operator.drivers.cluster.accept import Accepted
from clt_operator.drivers.cluster.driven import Driven
from clt_operator.drivers.cluster.installation import Installation
from clt_operator.drivers.cluster.jobs import Seen
from clt_operator.drivers.cluster.rate import Rate
from clt_operator.drivers.cluster.study import Shop, Study
from clt_operator.drivers.cluster.world import Caches
from clt_operator.drivers.endings import Ending
from clt_operator.drivers.interrupts import Interrupts
from clt_operator.drivers.observer import Observer, Result, Silent
from clt_operator.plan.build import Plan
from clt_operator.reconcile import Decision, Index
from clt_operator.store.artifacts import Artifacts

SYNC = 60.0  # seconds for the first lists of Jobs and pods
WAKE = 0.2  # seconds after which a signal is seen
PAUSE = 5.0  # seconds after a store or an API server did not answer

Object = dict[str, Any]


class Loaded(Protocol):
    @property
    def experiment(self) -> Experiment: ...


class Planned(Protocol):
    """A checked spec with its lock and plan."""

    @property
    def loaded(self) -> Loaded: ...

    @property
    def lock(self) -> Lock: ...

    @property
    def plan(self) -> Plan: ...


def run_foreground(
    api: Api,
    artifacts: Artifacts,
    planned: Planned,
    settings: Settings,
    observer: Observer | None = None,
) -> Result:
    """Makes Jobs, in the namespace of the settings, until the targets are committed or nothing
    can go on.

    Raises ClusterError where Jobs and pods cannot be watched. A store or an API server that
    stops answering later is waited for.
    """
    watching = observer or Silent()
    with ExitStack() as stack:
        interrupts = stack.enter_context(Interrupts())
        pool = stack.enter_context(ThreadPoolExecutor(8))
        woken = threading.Event()
        caches = Caches(api, [settings.namespace], lambda *_: woken.set())
        stack.callback(caches.stop)
        caches.start()
        _wait_synced(caches, interrupts)
        shop = Shop(
            api=api,
            world=caches,
            installation=lambda: Installation(Profiles()),
            stores=_OneStore(artifacts),
            publish=lambda *_: None,
            events=_NoEvents(),
            pool=pool,
            leads=lambda: True,
            rate=Rate(50, 100),
            redact=redactor(os.environ),
        )
        study = _Study(shop, planned, settings, artifacts, watching)
        return study.run(interrupts, woken)


def _wait_synced(caches: Caches, interrupts: Interrupts) -> None:
    end = time.monotonic() + SYNC
    while not caches.synced() and not interrupts.count:
        if time.monotonic() > end:
            raise TransientError("Jobs and pods could not be listed: cltctl doctor tells why")
        time.sleep(WAKE / 4)


class _Study(Study):
    """A study that is not read from an object."""

    def __init__(
        self,
        shop: Shop,
        planned: Planned,
        settings: Settings,
        artifacts: Artifacts,
        observer: Observer,
    ) -> None:
        namespace, name = settings.namespace, planned.loaded.experiment.metadata.name
        super().__init__(shop, namespace, name)
        self._observer = observer
        self._item: Object = {
            "apiVersion": "clt.dev/v1alpha1",
            "kind": "Experiment",
            "metadata": {"name": name, "namespace": namespace, "uid": "", "generation": 1},
        }
        self._accepted_now = Accepted(
            experiment=planned.loaded.experiment,
            settings=settings,
            artifacts=artifacts,
            lock=planned.lock,
            digest="",
            plan=planned.plan,
            index=Index.of(planned.plan.graph),
            root=artifacts.root(namespace, name) or {},
        )
        self._begun = time.monotonic()
        self._committed = self._created = 0

    def run(self, interrupts: Interrupts, woken: threading.Event) -> Result:
        started = False
        while True:
            woken.clear()
            if interrupts.count:
                return self._stop()
            wait = self._try()
            decision = self.decision
            if decision is not None:
                if not started:
                    self._observer.on_start(decision.status)
                    started = True
                self._observer.on_status(decision.status)
                if decision.finished:
                    return self._end(decision.finished, decision)
            end = time.monotonic() + wait
            while not (woken.wait(WAKE) or interrupts.count or time.monotonic() >= end):
                pass

    def _try(self) -> float:
        try:
            wait = self.tick(self._item)
        except (StoreError, TransientError):
            return PAUSE  # the observer was told nothing wrong: it goes on when they answer
        return PAUSE if wait is None else wait

    def _stop(self) -> Result:
        """Lets the Jobs go: their runners save."""
        jobs = 0
        if self.driven is not None:
            for job in self.shop.world.jobs(self.namespace):
                if self.driven.jobs.ownership.owns(job):
                    self.driven.jobs.ownership.leave(job)
                    jobs += 1
        self._observer.on_stop(jobs)
        decision = self.decision
        if decision is None:
            raise CltError("stopped before anything was looked at")
        return self._end("interrupted", decision)

    def _end(
        self, finished: Literal["complete", "failed", "interrupted"], decision: Decision
    ) -> Result:
        created = self.driven.jobs.created if self.driven else self._created
        result = Result(
            finished=finished,
            status=decision.status,
            jobs=created,
            committed=self._committed,
            failed=decision.failed,
            seconds=time.monotonic() - self._begun,
        )
        self._observer.on_finish(result)
        return result

    # what differs from an experiment that is read from an object

    def _latched(self, item: Object, before: Mapping[str, Any]) -> bool:  # noqa: ARG002
        return False

    def _accepted(self, item: Object) -> Driven:  # noqa: ARG002
        if self.driven is None:
            self.driven = self._begin(self._accepted_now, {"metadata": {"uid": ""}}, None)
        return self.driven

    def _note(self, item: Object, driven: Driven, ending: Ending) -> None:
        super()._note(item, driven, ending)
        outcome: OutcomeKind = ending.outcome
        self._committed += outcome == "committed"
        step = driven.view.graph.steps[ending.key]
        self._observer.on_step(step, outcome, ending.message)

    def _tell(
        self,
        item: Object,  # noqa: ARG002
        driven: Driven,  # noqa: ARG002
        seen: Seen,  # noqa: ARG002
        decision: Decision,  # noqa: ARG002
    ) -> float | None:
        return None

    def _explain(self, *_: Any) -> bool:
        """There is no object to tell it."""
        return False


class _OneStore:
    def __init__(self, artifacts: Artifacts) -> None:
        self._artifacts = artifacts

    def open(self, settings: Settings) -> Artifacts:  # noqa: ARG002
        return self._artifacts

    def environment(self, settings: Settings) -> None:  # noqa: ARG002
        return None

    def hub_token(self, settings: Settings) -> str:  # noqa: ARG002
        return ""


class _NoEvents:
    def record(self, regarding: Object, type: str, reason: str, note: str) -> None:
        """Events belong to objects."""
