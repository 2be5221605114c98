"""The local driver: observe, reconcile, act, over processes on this machine.

It holds no state that matters: whatever it knows it can read again from the store and from
the Jobs' folders, so it may be killed at any moment. Its children are in sessions of their
own; they survive it, finish, and the next driver waits for them. A stop that is asked for
(SIGINT, SIGTERM) is passed on to them, with time to save.
"""

import os
import selectors
import signal
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from clt_operator.api.keys import digest
from clt_operator.api.redaction import redactor
from clt_operator.api.step import Graph, Step, StepDocument
from clt_operator.drivers import jobs as local_jobs
from clt_operator.drivers.endings import Ending, Endings
from clt_operator.drivers.interrupts import Interrupts
from clt_operator.drivers.jobs import Job
from clt_operator.drivers.nursery import KINDS as NURSED
from clt_operator.drivers.nursery import Nursery, is_safe
from clt_operator.drivers.observer import Ended, Observer, Result, Silent
from clt_operator.drivers.process import cores, this_process
from clt_operator.drivers.view import View
from clt_operator.reconcile import (
    Decision,
    Holder,
    Index,
    Launch,
    Observed,
    Policy,
    RecordLost,
    reconcile,
)
from clt_operator.store.artifacts import Artifacts, AttemptState

WAKE = 0.2  # seconds; the end of a child and a signal wake the loop at once
FOLLOW = 1.0  # seconds between looks at steps inside running Jobs and at other drivers' steps
STORE_THREADS = 8  # requests at once when the steps of a Job are prepared


@dataclass(frozen=True)
class LocalOptions:
    """``jobs`` 0 is as many processes as cores allow for ``threads`` each. ``scratch`` should
    stay the same from one driver to the next: Jobs under way are found there."""

    jobs: int = 0
    threads: int = 1  # of a step whose hints do not say it
    scratch: Path | None = None
    policy: Policy = field(default_factory=Policy)
    grace: float = 30.0  # seconds between the request to stop and the kill
    pause: float = 1.0  # seconds before a second try after a fault that may pass; then doubled
    retry_failed: bool = False  # earlier failures do not count
    environment: Mapping[str, str] = field(default_factory=dict)
    nursery: bool = True  # fork steps that load models from one process, where that is safe

    def slots(self) -> int:
        return self.jobs or max(1, cores() // self.threads)


def run_local(
    graph: Graph,
    artifacts: Artifacts,
    options: LocalOptions | None = None,
    observer: Observer | None = None,
) -> Result:
    """Runs what is missing until the targets are committed or nothing can go on.

    Raises StoreError or TransientError where the store fails; the children are stopped first.
    """
    options, observer = options or LocalOptions(), observer or Silent()
    index = Index.of(graph)
    targets = frozenset(key for key in graph.targets if artifacts.manifest(key) is not None)
    if len(targets) == len(set(graph.targets)):
        status = reconcile(graph, Observed(targets), options.policy, index).status
        result = Result("complete", status)
        observer.on_start(status)
    else:
        with ExitStack() as stack:
            interrupts = stack.enter_context(Interrupts())
            driver = LocalDriver(index, artifacts, options, observer, interrupts)
            stack.callback(driver.close)
            result = driver.run()
    observer.on_finish(result)
    return result


class LocalDriver:
    def __init__(
        self,
        index: Index,
        artifacts: Artifacts,
        options: LocalOptions,
        observer: Observer,
        interrupts: Interrupts,
    ) -> None:
        self.index, self.graph, self.artifacts = index, index.graph, artifacts
        self.options, self.observer, self.interrupts = options, observer, interrupts
        self.policy = options.policy
        self.scratch = options.scratch or default_scratch(artifacts.store.uri)
        self.scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.view = View(artifacts, self.graph)
        self.endings = Endings(self.view, redactor({**os.environ, **options.environment}))
        self.pool = ThreadPoolExecutor(STORE_THREADS)
        self.selector = selectors.DefaultSelector()
        self.selector.register(interrupts.wakeup, selectors.EVENT_READ)
        self.jobs: list[Job] = []
        self.numbers = count(1)
        self.nurseries: dict[int, Nursery] = {}  # by number of threads
        self.started = self.committed = 0
        self.held: dict[str, float] = {}  # key: when to try again, monotonic
        self.foreign: dict[str, Holder] = {}  # keys that processes outside self.jobs hold
        self.changed = True
        self.begin = time.monotonic()
        self.next_look = self.next_figures = 0.0

    def run(self) -> Result:
        self.view.load()
        self.endings.settle()
        self._adopt()
        if self.options.retry_failed:
            tried = self.view.attempts.items()
            forgiven = {key: states[-1].claim.attempt for key, states in tried if states}
            self.policy = replace(self.policy, forgiven=forgiven)
        decision = self._decide()
        self._warm_up()
        self.observer.on_start(decision.status)
        while not decision.finished:
            if self.interrupts.count:
                self.observer.on_stop(len(self.jobs))
                self._stop_jobs()
                return self._result("interrupted", self._decide())
            self._act(decision)
            if not self.changed:
                self._wait()
            self._reap()
            self._look()
            if self.changed:
                decision = self._decide()
                self.observer.on_status(decision.status)
            else:
                decision = replace(decision, actions=())
        return self._result(decision.finished, decision)

    def close(self) -> None:
        """Stops what still runs (there is something only after an error) and lets go."""
        self._stop_jobs()
        for job in self.jobs:
            job.let_go()
        for nursery in self.nurseries.values():
            nursery.close()
        self.pool.shutdown(cancel_futures=True)
        self.selector.close()

    # observe

    def _adopt(self) -> None:
        """Finds Jobs of earlier drivers: waits for the living, records the dead."""
        alive, dead = local_jobs.find(self.scratch)
        for job in dead:
            job.left = [key for key in job.keys if key in self.graph.steps]
            if job.left:
                for _ in self.endings.of_job(job, charge=False):
                    pass
            job.close()
        for job in alive:
            job.left = [key for key in job.keys if key in self.graph.steps]
            if job.left:
                self._watch(job)
                self.observer.on_step(self.graph.steps[job.left[0]], "adopted", "")

    def _watch(self, job: Job) -> None:
        self.jobs.append(job)
        if job.pidfd is not None:
            self.selector.register(job.pidfd, selectors.EVENT_READ)

    def _wait(self) -> None:
        for event, _ in self.selector.select(WAKE):
            if event.fd == self.interrupts.wakeup:
                os.read(self.interrupts.wakeup, 1024)

    def _reap(self, *, charge: bool = True) -> None:
        for job in [job for job in self.jobs if job.ended()]:
            self.jobs.remove(job)
            if job.pidfd is not None:
                self.selector.unregister(job.pidfd)
            for ending in self.endings.of_job(job, charge=charge):
                self._tell(ending)
            job.close() if job.ours else job.let_go()
            self.changed = True

    def _look(self) -> None:
        """Steps that ended inside Jobs, steps of other drivers, pauses that are over."""
        now = time.monotonic()
        for key in [key for key, until in self.held.items() if until <= now]:
            del self.held[key]
            self.changed = True
        if now < self.next_look:
            return
        self.next_look = now + FOLLOW
        for job in self.jobs:
            if len(job.left) > 1 or self.observer.figures_every is not None:
                self._follow(job)
        for key, before in list(self.foreign.items()):
            if self.view.refresh(key) or self._foreign_holder(key) != before:
                self.changed = True
        if self.observer.figures_every is not None and now >= self.next_figures:
            self.next_figures = now + self.observer.figures_every
            self._read_figures()

    def _follow(self, job: Job) -> None:
        while len(job.left) > 1 and (ending := self.endings.of_head(job)) is not None:
            job.left.pop(0)
            self._tell(ending)
            self.observer.on_step(self.graph.steps[job.left[0]], "started", "")
            self.changed = True

    def _read_figures(self) -> None:
        for job in self.jobs:
            key = job.left[0]
            self.view.refresh(key)
            for state in self.view.attempts.get(key, ()):
                if state.outcome is None and state.claim.holder == str(job.holder):
                    found = self.artifacts.progress(key, state.claim.attempt)
                    if found:
                        self.observer.on_figures(self.graph.steps[key], found[0])

    def _foreign_holder(self, key: str) -> Holder:
        states = self.view.open_claims().get(key, [])
        alive = any(self.view.holder_of(state) == "alive" for state in states)
        return "alive" if alive else "gone"

    # reconcile

    def _decide(self) -> Decision:
        self.changed = False
        in_flight = tuple(tuple(job.left) for job in self.jobs)
        known = {key for keys in in_flight for key in keys}
        holders: dict[tuple[str, int], Holder] = {}
        self.foreign = {}
        for key, states in self.view.open_claims().items():
            for state in states:
                holder = self.view.holder_of(state)
                holders[key, state.claim.attempt] = holder
                if holder != "gone" and key not in known:
                    self.foreign[key] = holder
        free = max(0, self.options.slots() - len(self.jobs))
        observed = self.view.observed(in_flight, free, frozenset(self.held), holders)
        return reconcile(self.graph, observed, self.policy, self.index)

    # act

    def _act(self, decision: Decision) -> None:
        for action in decision.actions:
            if isinstance(action, RecordLost):
                self._tell(self.endings.lost(action.key, action.attempt))
            else:
                self._launch(action)
            self.changed = True

    def _launch(self, launch: Launch) -> None:
        """Stores the steps' documents, then starts their Job, unless somebody else just did."""
        fresh = list(self.pool.map(self._prepare, launch.keys))
        keys = []
        for key, states in zip(launch.keys, fresh, strict=True):
            if states == self.view.attempts.get(key, []):
                keys.append(key)
            else:  # seen by the next decision
                self.view.refresh(key)
        if not keys:
            return
        steps = [self.graph.steps[key] for key in keys]
        me = this_process()
        environment, nursery = self._surroundings(steps)
        while nursery and not nursery.wait_ready(WAKE):
            if self.interrupts.count:
                return
        job = local_jobs.start(
            self.scratch / f"{me.pid}-{me.ticks}-{next(self.numbers):06d}",
            self.artifacts.store.uri,
            tuple(keys),
            {step.key: dict(step.hints) for step in steps},
            environment,
            nursery=nursery,
        )
        self.started += 1
        self._watch(job)
        self.observer.on_step(steps[0], "started", "")

    def _warm_up(self) -> None:
        """Lets a nursery load its libraries while the data is prepared."""
        for step in self.graph:
            if step.kind in NURSED and step.key not in self.view.committed:
                self._surroundings([step])
                return

    def _surroundings(self, steps: Sequence[Step]) -> tuple[dict[str, str], Nursery | None]:
        """Environment of a Job of these steps, and the nursery where they load models; every
        Job of a thread count has the same."""
        threads = max(int(step.hints.get("threads", self.options.threads)) for step in steps)
        kind, extra = steps[0].kind, self.options.environment
        environment = local_jobs.environment(os.environ, kind, threads, extra)
        if kind not in NURSED or not self.options.nursery or not is_safe():
            return environment, None
        if threads not in self.nurseries:
            log = self.scratch / f"nursery-{this_process().pid}-{threads}.log"
            self.nurseries[threads] = Nursery(environment, log)
        return environment, self.nurseries[threads]

    def _prepare(self, key: str) -> list[AttemptState]:
        self.artifacts.put_document(StepDocument.of(self.graph.steps[key]))
        return self.artifacts.attempts(key)

    def _stop_jobs(self) -> None:
        """Asks every Job of ours to save and stop, then makes it."""
        ours = [job for job in self.jobs if job.ours]
        for job in ours:
            job.signal(signal.SIGTERM)
        deadline = time.monotonic() + self.options.grace
        while any(not job.ended() for job in ours):
            if time.monotonic() > deadline or self.interrupts.count > 1:
                for job in ours:
                    job.signal(signal.SIGKILL)
            self._wait()
        self._reap(charge=False)

    # tell

    def _tell(self, ending: Ending) -> None:
        if ending.outcome == "committed":
            self.committed += 1
        elif ending.outcome == "transient":
            tried = self.view.attempts.get(ending.key, ())
            times = sum(1 for s in tried if s.outcome and s.outcome.outcome == "transient")
            pause = self.options.pause * 2 ** (max(times, 1) - 1)
            self.held[ending.key] = time.monotonic() + pause
            self.view.look_for_removed()  # an input may have gone since
        step = self.graph.steps[ending.key]
        self.observer.on_step(step, ending.outcome, ending.message)

    def _result(self, finished: Ended, decision: Decision) -> Result:
        return Result(
            finished=finished,
            status=decision.status,
            jobs=self.started,
            committed=self.committed,
            failed=decision.failed,
            seconds=time.monotonic() - self.begin,
        )


def default_scratch(store: str) -> Path:
    """One place per user and store, so that the next driver finds the Jobs of this one."""
    mine = Path(tempfile.gettempdir()) / f"clt-{os.getuid()}"
    mine.mkdir(mode=0o700, exist_ok=True)
    if mine.stat().st_uid != os.getuid():  # somebody else took the name
        return Path(tempfile.mkdtemp(prefix="clt-"))
    return mine / digest(store)[:16]
