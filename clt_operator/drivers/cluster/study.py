"""One experiment as a cluster's driver moves it on: look, reconcile, act, tell.

A tick looks at the whole state, so that it does not matter which events woke it, or whether
this process saw any before. Ticks of one experiment never overlap.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from clt_operator.api.errors import CltError, SpecError, StoreError, TransientError
from clt_operator.api.profiles import Owner
from clt_operator.api.redaction import Redact
from clt_operator.api.requests import RETRY, annotation, handled_of
from clt_operator.api.step import Graph, Step
from clt_operator.cluster.api import Api
from clt_operator.cluster.errors import ClusterError
from clt_operator.cluster.profiles import NoProfiles
from clt_operator.drivers.cluster import telling
from clt_operator.drivers.cluster.accept import Accepted, Queues, accept
from clt_operator.drivers.cluster.accounting import Ended
from clt_operator.drivers.cluster.driven import Driven
from clt_operator.drivers.cluster.installation import Installation, Stores
from clt_operator.drivers.cluster.jobs import IMAGE_PATIENCE, Seen, StudyJobs
from clt_operator.drivers.cluster.listings import Listings
from clt_operator.drivers.cluster.ownership import Ownership
from clt_operator.drivers.cluster.rate import Rate
from clt_operator.drivers.cluster.reservations import Reservations
from clt_operator.drivers.cluster.spending import Spending
from clt_operator.drivers.cluster.status import Fact, Type, condition
from clt_operator.drivers.cluster.teller import Recorder, Teller
from clt_operator.drivers.cluster.view import ClusterView
from clt_operator.drivers.cluster.world import World
from clt_operator.drivers.endings import Ending
from clt_operator.drivers.root import PARTIAL, partial_report
from clt_operator.plan.build import TooManySteps
from clt_operator.plan.partial import partial_graph
from clt_operator.reconcile import Decision, Holder, Index, RecordLost, reconcile
from clt_operator.store.attempts import last_word

FOLLOW = 5.0  # seconds between looks at steps inside running Jobs and at other drivers' steps
LOOKS_PER_SECOND = 20.0  # at running Jobs, by one study
PAUSE = 10.0  # seconds before a second try after a fault that may pass; then doubled
LONGEST_PAUSE = 300.0
OUTAGE = 180.0  # seconds after the store failed in which faults that may pass are its own
AGAIN = 15.0  # seconds between looks for what others have to set up: profiles, a queue
RELOAD = 600.0  # seconds after which the store is listed again, whatever was seen

Object = dict[str, Any]


@dataclass
class Shop:
    """What all studies of a process share."""

    api: Api
    world: World
    installation: Callable[[], Installation]
    stores: Stores
    publish: Callable[[Object, Object], None]  # experiment, new status
    events: Recorder
    pool: Executor
    leads: Callable[[], bool]
    rate: Rate
    redact: Redact
    reservations: Reservations = field(default_factory=Reservations)
    clock: Callable[[], float] = time.monotonic
    ended: Callable[[Ended], None] | None = None  # a step of which attempts ended
    made: Callable[[int], None] | None = None  # so many Jobs
    queues: Queues = lambda _: None


class Study:
    def __init__(self, shop: Shop, namespace: str, name: str) -> None:
        self.shop, self.namespace, self.name = shop, namespace, name
        self.uid = ""
        self.driven: Driven | None = None
        self.stamp: tuple[object, ...] = ()
        self.outage = -OUTAGE  # monotonic: when the store last failed
        self.shaken: set[str] = set()  # uids of Jobs that were there then
        self.doubted = False  # the store failed: its credentials may have been replaced
        self.decision: Decision | None = None
        self.teller = Teller(shop.publish, shop.events, shop.leads, shop.clock)

    def tick(self, item: Object) -> float | None:
        """Moves the experiment on; seconds until it wants to be looked at without an event,
        None where only an event can change anything.

        Raises StoreError, TransientError or ClusterError where it should be tried again soon;
        the status has said so where it could.
        """
        if item["metadata"]["uid"] != self.uid:  # another one of that name
            self.uid, self.driven = item["metadata"]["uid"], None
            self.teller.forget()
        if self._latched(item, self.teller.published or item.get("status") or {}):
            self.teller.mend(item)  # where it was edited by hand
            self._clear_up(item)
            return self._settle_rest()
        try:
            driven = self._accepted(item)
            return self._move(item, driven)
        except NoProfiles as error:
            self._degrade(item, "NoProfiles", error)
            return AGAIN
        except SpecError as error:
            self._reject(item, error)
            queue = any(problem.path == "spec.compute.queue" for problem in error.problems)
            return AGAIN if queue else None
        except ClusterError:
            raise
        except (StoreError, TransientError) as error:
            self.outage, self.doubted = self.shop.clock(), True
            self._degrade(item, "StoreUnavailable", error)
            raise
        except Exception as error:
            said = f"the operator failed, and tries again: {type(error).__name__}: {error}"
            self._degrade(item, "InternalError", CltError(said))
            raise

    def _settle_rest(self) -> float | None:
        """Of a complete study, the attempts that are still without an outcome."""
        if self.driven is not None and self.driven.jobs.settle_rest():
            return FOLLOW
        self.driven = None
        return None

    def gone(self) -> bool:
        """The Experiment was deleted: its root no longer keeps artifacts from collection.

        False where this study does not know which store that is in.
        """
        driven, self.driven = self.driven, None
        if driven is None:
            return False
        artifacts, meta = driven.accepted.artifacts, driven.accepted.experiment.metadata
        root = artifacts.root(meta.namespace, meta.name) or {}
        if root.get("uid") == driven.accepted.root.get("uid"):
            artifacts.drop_root(meta.namespace, meta.name)
        return True

    # accept

    def _latched(self, item: Object, before: Mapping[str, Any]) -> bool:
        """Complete for this generation and request: nothing is planned again, whatever release
        of the operator looks."""
        complete = condition(before, "Complete")
        return (
            before.get("phase") == "Complete"
            and complete.get("status") == "True"
            and complete.get("observedGeneration") == item["metadata"].get("generation")
            and before.get("handledRequest", "") == handled_of(item)
        )

    def _accepted(self, item: Object) -> Driven:
        meta = item["metadata"]
        installation = self.shop.installation()
        stamp = (meta["uid"], meta.get("generation"), handled_of(item), installation)
        if self.driven is not None and self.stamp == stamp and not self._reopened(self.driven):
            return self.driven
        before = self.driven
        known = before.accepted if before else None
        accepted = accept(item, installation, self.shop.stores, known, self.shop.queues)
        settings = accepted.settings
        if (
            before is not None
            and before.accepted.digest == accepted.digest
            and before.accepted.artifacts is accepted.artifacts
            and self.stamp[2] == stamp[2]
        ):
            before.accepted = accepted
            before.jobs.settings = settings
            before.jobs.compute = accepted.experiment.spec.compute
            driven = before
        else:
            if (self.stamp or accepted.new) and isinstance(accepted.artifacts, Listings):
                accepted.artifacts.forget()  # older than what somebody, or we, wrote just now
            driven = self._begin(accepted, item, before)
            if accepted.new:  # a process that starts again has no news
                driven.jobs.ahead = list(accepted.plan.graph.steps)[::-1]
                count = accepted.plan.counts
                runs, steps = count["runs"], count["steps"]
                note = f"{runs} runs, {count['trainings']} trainings, {steps} steps"
                self.shop.events.record(item, "Normal", "Planned", note)
        self.driven, self.stamp = driven, stamp
        return driven

    def _reopened(self, driven: Driven) -> bool:
        """After the store failed, whether it opens by other variables now."""
        if not self.doubted:
            return False
        self.doubted = self.shop.stores.open(driven.accepted.settings) is not (
            driven.accepted.artifacts
        )
        return self.doubted

    def _begin(self, accepted: Accepted, item: Object, before: Driven | None) -> Driven:
        graph = accepted.plan.graph
        view = ClusterView(accepted.artifacts, graph, self.shop.world)
        view.load()
        jobs = StudyJobs(
            api=self.shop.api,
            world=self.shop.world,
            namespace=self.namespace,
            ownership=self._ownership(str(item["metadata"]["uid"])),
            settings=accepted.settings,
            compute=accepted.experiment.spec.compute,
            view=view,
            redact=self.shop.redact,
            pool=self.shop.pool,
            reservations=self.shop.reservations,
            clock=self.shop.clock,
        )
        if before is not None:
            jobs.expected, jobs.known = before.jobs.expected, before.jobs.known
            jobs.settled = before.jobs.settled
            jobs.stuck_since = before.jobs.stuck_since
        told = float(self.teller.known(item).get("gpuHours") or 0)
        told = max(told, before.spending.gpu_hours()) if before else told
        spending = Spending(accepted.experiment.spec, accepted.settings, graph, told)
        spending.load(view, self.shop.pool)
        return Driven(accepted, view, jobs, accepted.index, spending, loaded=self.shop.clock())

    # move on

    def _move(self, item: Object, driven: Driven) -> float | None:
        clock = self.shop.clock
        if clock() - driven.loaded > RELOAD:
            driven.view.load()
            driven.loaded = clock()
        seen = driven.jobs.look()
        for job in seen.surplus:
            driven.jobs.ownership.leave(job)
        there = {uid for uid, _ in driven.jobs.known.values()}
        self.shaken = there if clock() - self.outage < OUTAGE else self.shaken & there
        for ending in driven.jobs.settle(seen.ended, self.shaken):
            self._note(item, driven, ending)
        for job in seen.foreign:
            driven.jobs.ownership.join(job)
        for job in seen.spoiled:
            driven.jobs.ownership.delete(job)
            note = f"Job {job['metadata']['name']} was edited so that it cannot go on"
            self.shop.events.record(item, "Warning", "JobEdited", note)
        self._give_up_on_images(item, driven, seen)
        self._follow(item, driven, seen)
        spec = driven.accepted.experiment.spec
        stopped = spec.suspend or spec.cancel or driven.spending.exhausted()
        decision = self._decide(driven, seen, stopped=bool(stopped))
        if self._retry(item, driven, decision):
            decision = self._decide(driven, seen, stopped=bool(stopped))
        decision = self._partial(driven, seen, decision, stopped=bool(stopped))
        if stopped and not decision.finished:
            for name in seen.in_flight:
                if (found := self.shop.world.job(self.namespace, name)) is not None:
                    driven.jobs.ownership.leave(found)
        self._act(item, driven, decision)
        driven.jobs.begin_to_let_go()
        self.decision = decision
        untold = self._tell(item, driven, seen, decision)
        driven.jobs.let_go()
        if decision.finished == "complete" and untold is None:
            self._clear_up(item)
            return FOLLOW if driven.jobs.settle_rest() else None
        idle = not (seen.ended or decision.launches or decision.finished or stopped)
        if idle and driven.jobs.ahead:
            driven.jobs.prepare()
            return 0.0
        return self._next(driven, seen, decision, stopped=bool(stopped), untold=untold)

    def _follow(self, item: Object, driven: Driven, seen: Seen) -> None:
        """Steps that end inside running Jobs, pauses that are over, other drivers' steps."""
        now = self.shop.clock()
        for key in [key for key, until in driven.held.items() if until <= now]:
            del driven.held[key]
        several = [keys for keys in seen.in_flight.values() if len(keys) > 1]
        if now - driven.followed < max(FOLLOW, len(several) / LOOKS_PER_SECOND):
            return
        driven.followed = now
        view = driven.view
        driven.jobs.settle_committed()
        heads = [next((key for key in keys if key not in view.committed), "") for keys in several]
        carried = {key for keys in seen.in_flight.values() for key in keys}
        elsewhere = [key for key in view.open_claims() if key not in carried]
        looked = [key for key in dict.fromkeys([*heads, *elsewhere]) if key]
        while looked:
            driven.jobs.refresh(looked)
            ended = [key for key in looked if key in view.committed]
            for key in ended:
                self._note(item, driven, Ending(key, "committed"))
            heads = [
                next((key for key in keys if key not in view.committed), "")
                for keys in several
                if any(key in ended for key in keys)
            ]
            looked = [key for key in heads if key]

    def _give_up_on_images(self, item: Object, driven: Driven, seen: Seen) -> None:
        for job, stuck in seen.stuck:
            if stuck.reason == "ImagePull" and driven.jobs.stuck_for(job) > IMAGE_PATIENCE:
                for ending in driven.jobs.fail(job, stuck.message):
                    self._note(item, driven, ending)

    def _decide(
        self, driven: Driven, seen: Seen, *, stopped: bool, index: Index | None = None
    ) -> Decision:
        index = index or driven.index
        view, jobs = driven.view, driven.jobs
        left = {
            name: tuple(key for key in keys if key not in view.committed)
            for name, keys in seen.in_flight.items()
        }
        in_flight = tuple(keys for keys in left.values() if keys)
        holders: dict[tuple[str, int], Holder] = {}
        for key, states in view.open_claims().items():
            for state in states:
                holders[key, state.claim.attempt] = view.holder_of(state)
        held = frozenset(driven.held) | jobs.held()
        policy = driven.accepted.policy
        free = 0 if stopped else self._free(driven, len(seen.in_flight))
        queued = frozenset(key for name in seen.queued for key in left.get(name, ()))
        observed = view.observed(in_flight, free, held, holders, queued)
        return reconcile(index.graph, observed, policy, index)

    def _free(self, driven: Driven, outstanding: int) -> int:
        limits = self.shop.installation().profiles.limits
        compute = driven.accepted.experiment.spec.compute
        most = limits.outstanding_jobs
        if compute.max_parallel and not (compute.queue or driven.accepted.settings.queue):
            most = min(most, compute.max_parallel)
        return max(0, most - outstanding)

    def _partial(
        self, driven: Driven, seen: Seen, decision: Decision, *, stopped: bool
    ) -> Decision:
        """Where a study failed that may report in part, the report without what failed."""
        spec = driven.accepted.experiment.spec
        if decision.finished != "failed" or spec.report.on_missing != "partial":
            driven.partial, driven.view.graph = None, driven.accepted.plan.graph
            if decision.finished == "complete" and "report" in driven.accepted.root:
                for name in PARTIAL:  # what had failed has come about since
                    driven.accepted.root.pop(name, None)
                self._write_root(driven)
            return decision
        failed = frozenset(decision.failed)
        if driven.partial is None or driven.failed != failed:
            tried = driven.view.attempts
            reasons = {key: last_word(tried.get(key, ())) for key in decision.failed}
            graph = partial_graph(driven.accepted.plan, driven.accepted.lock, reasons)
            driven.partial, driven.failed = Index.of(graph), failed
            self._keep(driven, graph)
            for key in graph.targets:
                driven.view.refresh(key)
        steps = {**driven.accepted.plan.graph.steps, **driven.partial.graph.steps}
        driven.view.graph = Graph(steps, driven.partial.graph.targets)
        return self._decide(driven, seen, stopped=stopped, index=driven.partial)

    def _keep(self, driven: Driven, graph: Graph) -> None:
        """The root keeps the partial report from collection, and says which one it is."""
        root = driven.accepted.root
        new = partial_report(graph, driven.accepted.plan.graph)
        if {name: root.get(name) for name in new} != new:
            root.update(new)
            self._write_root(driven)

    def _write_root(self, driven: Driven) -> None:
        meta = driven.accepted.experiment.metadata
        driven.accepted.artifacts.write_root(meta.namespace, meta.name, driven.accepted.root)

    def _retry(self, item: Object, driven: Driven, decision: Decision) -> bool:
        """Forgives failed steps where a user asked for it and it was not done yet."""
        asked = annotation(item, RETRY).strip()
        root = driven.accepted.root
        if not asked or root.get("retry") == asked:
            return False
        _, *prefixes = asked.split()
        forgiven = dict(root.get("forgiven", {}))
        for key in decision.failed:
            states = driven.view.attempts.get(key)
            if states and (not prefixes or any(key.startswith(p) for p in prefixes)):
                forgiven[key] = states[-1].claim.attempt
        root.update({"forgiven": forgiven, "retry": asked})
        self._write_root(driven)
        return True

    # act

    def _act(self, item: Object, driven: Driven, decision: Decision) -> None:
        lost = [action for action in decision.actions if isinstance(action, RecordLost)]
        for action in lost:
            self._note(item, driven, driven.jobs.lost(action.key, action.attempt))
        launches = list(decision.launches)
        granted = self.shop.rate.take(len(launches))
        launches = launches[:granted]
        driven.refusal = None
        if not launches or not self.shop.leads():
            return
        before = driven.jobs.created
        refusals, left = driven.jobs.launch(launches)
        self.shop.rate.give_back(left)
        if self.shop.made is not None:
            self.shop.made(driven.jobs.created - before)
        if refusals:
            driven.refusal = refusals[0]
            self.shop.events.record(item, "Warning", "JobRefused", refusals[0].message)

    def _note(self, item: Object, driven: Driven, ending: Ending) -> None:
        if ending.outcome == "committed":
            if ending.key in driven.noted:
                return
            driven.noted.add(ending.key)
        step = driven.view.graph.steps.get(ending.key)
        if step is None:  # of a graph before an edit
            return
        if self.shop.ended is not None:
            self.shop.ended(self._ended(driven, step, ending))
        driven.spending.note(step, driven.view)
        if ending.outcome == "committed":
            return
        if ending.outcome == "transient":
            states = driven.view.attempts.get(ending.key, ())
            times = sum(1 for s in states if s.outcome and s.outcome.outcome == "transient")
            pause = min(LONGEST_PAUSE, PAUSE * 2 ** (max(times, 1) - 1))
            driven.held[ending.key] = self.shop.clock() + pause
            driven.view.look_for_removed()  # an input may have gone since
        if ending.outcome not in ("saved", "lost-race"):
            reason = "StepLost" if ending.outcome == "lost" else "StepFailed"
            labels = " ".join(value for value in step.labels.values() if value)
            note = f"{step.kind} {labels} {ending.key[:12]}: {ending.outcome}: {ending.message}"
            self.shop.events.record(item, "Warning", reason, note)

    def _ended(self, driven: Driven, step: Step, ending: Ending) -> Ended:
        view, spending = driven.view, driven.spending
        states = view.attempts.get(step.key) or ()
        mixture, none = getattr(step.params, "mixture", None), frozenset[str]()
        return Ended(
            place=(self.namespace, self.name),
            uid=self.uid,
            kind=step.kind,
            key=step.key,
            attempt=max(view.made.get(step.key, 1), *(s.claim.attempt for s in states), 1),
            outcome=ending.outcome,
            artifacts=view.artifacts,
            old=view.old if view.old is not None else {},
            languages=frozenset(part.language for part in mixture.components) if mixture else none,
            spend=spending.add if spending.wants(step.kind) else None,
        )

    def _clear_up(self, item: Object) -> None:
        """Nothing is wanted any more: Jobs that this experiment still owns go."""
        ownership = self._ownership(item["metadata"]["uid"])
        for job in self.shop.world.jobs(self.namespace):
            if ownership.owns(job):
                ownership.leave(job)

    def _ownership(self, uid: str) -> Ownership:
        return Ownership(self.shop.api, self.namespace, Owner(self.name, uid), self.shop.leads)

    # tell

    def _tell(self, item: Object, driven: Driven, seen: Seen, decision: Decision) -> float | None:
        """Seconds until a change that is only of counts may be told; None: all is told."""
        facts = telling.facts(driven, seen, decision, handled=handled_of(item))
        return self.teller.tell(item, facts, busy=driven.jobs.overtaken())

    def _next(
        self,
        driven: Driven,
        seen: Seen,
        decision: Decision,
        *,
        stopped: bool,
        untold: float | None,
    ) -> float:
        now = self.shop.clock()
        waits = [RELOAD] if untold is None else [untold]
        several = any(len(keys) > 1 for keys in seen.in_flight.values())
        if several or driven.view.open_claims() or driven.view.unsettled:
            waits.append(max(FOLLOW, len(seen.in_flight) / LOOKS_PER_SECOND))
        waits.extend(until - now for until in driven.held.values())
        waits.extend(refusal.until - now for refusal in driven.jobs.refused.values())
        if driven.jobs.expected:
            waits.append(FOLLOW)
        if seen.stuck:
            waits.append(30.0)
        if driven.jobs.early_since:
            waits.append(1.0)
        if decision.actions and not stopped:
            waits.append(self.shop.rate.wait() + 0.02)
        return max(0.0, min(waits))

    # what keeps it from moving

    def _reject(self, item: Object, error: SpecError) -> None:
        reason = "TooManySteps" if isinstance(error, TooManySteps) else "InvalidSpec"
        facts: dict[Type, Fact] = {
            "Accepted": Fact("False", reason, str(error)),
            "Progressing": Fact("False", reason, "what runs goes on; nothing new is started"),
            "Complete": Fact("False", "StepsMissing"),
            "Degraded": Fact("False", "AsExpected"),
        }
        if self._explain(item, facts, "Rejected"):
            self.shop.events.record(item, "Warning", reason, str(error)[:1000])

    def _degrade(self, item: Object, reason: str, error: CltError) -> None:
        message = self.shop.redact(str(error))
        if self._explain(item, {"Degraded": Fact("True", reason, message)}, ""):
            self.shop.events.record(item, "Warning", reason, message[:1000])

    def overwritten(self, status: Object) -> bool:
        """Notes that an event showed this status; true where it is none of ours."""
        return self.teller.overwritten(status)

    def _explain(self, item: Object, facts: Mapping[Type, Fact], phase: str) -> bool:
        """Whether there was anything new to say."""
        return self.teller.explain(item, facts, phase)
