"""The Jobs of one experiment: which are there, how they ended, and those that are to be made.

A Job is created once, under a name that its keys give, and deleted once the outcomes of its
steps are recorded: the next attempt is a Job of the same name. Shared Jobs have several
owners; who does not need a Job any more leaves its owners, and the last one deletes it.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Any

from clt_operator.api.errors import CltError
from clt_operator.api.redaction import Redact
from clt_operator.api.spec.compute import ComputeSpec
from clt_operator.api.step import Claim, Outcome, StepDocument
from clt_operator.api.times import now
from clt_operator.cluster.api import Api
from clt_operator.cluster.errors import AlreadyExists, ClusterError
from clt_operator.cluster.resources import JOBS, SERVICES
from clt_operator.cluster.trim import keys_of, trim_job
from clt_operator.drivers.cluster import verdicts
from clt_operator.drivers.cluster.ownership import MANAGER, Ownership
from clt_operator.drivers.cluster.reservations import Reservations
from clt_operator.drivers.cluster.verdicts import Verdict
from clt_operator.drivers.cluster.view import JOB, POD, ClusterView
from clt_operator.drivers.cluster.world import World
from clt_operator.drivers.endings import Ending
from clt_operator.reconcile import Launch
from clt_operator.render.job import render_batch
from clt_operator.render.labels import labels
from clt_operator.render.profiles import Settings

UNSEEN = 60.0  # seconds after which a created Job that no watch showed is looked for
REFUSED = 30.0  # seconds before a Job that the API server refused is tried again
CLASH = 1.0  # seconds before a name is tried again that a Job on its way out still has
# The Job controller makes a Job wait for the failures of an earlier one of its name, from ten
# seconds on, unless it saw that one go.
AGAIN = 1.0  # seconds before the next Job of a step whose last one failed
AT_LEAST = 32  # Jobs made at a look, whatever ends meanwhile
SOME = 64  # documents stored at a look at which nothing else is to be done
PODS_BEHIND = 3.0  # seconds that the watch of pods may be behind that of Jobs
LOG_LINES = 2000  # of a dead pod that are shipped where its runner shipped none
LOG_SECONDS = 5.0  # for a kubelet to hand them out: it may be gone with its node
IMAGE_PATIENCE = 600.0  # seconds that a pod may wait for its image

Object = dict[str, Any]


@dataclass(frozen=True)
class Refusal:
    """Why the API server did not take a Job."""

    message: str
    until: float  # monotonic


@dataclass
class Expected:
    """A Job that was created and that the watch has not shown yet."""

    uid: str
    keys: tuple[str, ...]
    since: float  # monotonic


@dataclass
class Seen:
    """One look at the Jobs. ``ended`` are finished ones; ``queued`` the names of those in flight
    that wait for their queue, for a node or for an image."""

    in_flight: dict[str, tuple[str, ...]] = field(default_factory=dict)  # Job's name → keys
    ended: list[Object] = field(default_factory=list)
    foreign: list[Object] = field(default_factory=list)  # ours to join
    surplus: list[Object] = field(default_factory=list)  # ours to leave
    spoiled: list[Object] = field(default_factory=list)  # edited by hand, cannot go on
    queued: set[str] = field(default_factory=set)
    suspended: int = 0
    stuck: list[tuple[Object, verdicts.Stuck]] = field(default_factory=list)


@dataclass
class StudyJobs:
    api: Api
    world: World
    namespace: str
    ownership: Ownership
    settings: Settings
    compute: ComputeSpec
    view: ClusterView
    redact: Redact
    pool: Executor
    reservations: Reservations = field(default_factory=Reservations)
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self.expected: dict[str, Expected] = {}
        self.known: dict[str, tuple[str, tuple[str, ...]]] = {}  # name → uid and keys
        self.settled: set[str] = set()  # uids of Jobs that were deleted and still show
        self.refused: dict[str, Refusal] = {}  # key → why
        self.stuck_since: dict[str, float] = {}  # uid of a Job → monotonic
        self.early_since: dict[str, float] = {}  # uid of a failed Job → monotonic
        self.pods_gone: dict[str, int] = {}  # uid of a Job → pods that failed or went
        self.over: list[Object] = []  # settled, to be deleted once their successors are made
        self.going: list[Future[None]] = []  # deletions under way
        self.looked = 0  # how many Jobs had finished at the last look
        self.ahead: list[str] = []  # keys whose documents may be stored early, the last first
        self.documented: set[str] = set()
        self.created = 0

    # observe

    def look(self) -> Seen:
        """The Jobs that carry steps of this study or that it owns."""
        seen = Seen()
        self.looked = self.world.endings(self.namespace)
        now: dict[str, tuple[str, tuple[str, ...]]] = {}
        for job in self.world.jobs(self.namespace):
            meta = job["metadata"]
            keys = self._wanted(job)
            name = meta["name"]
            if not keys:
                if self.ownership.owns(job):
                    seen.surplus.append(job)
                if name in self.known and self.known[name][0] == meta["uid"]:
                    now[name] = self.known[name]  # of an earlier graph: its end is awaited, too
                continue
            now[name] = (meta["uid"], keys)
            if meta["uid"] in self.settled:
                continue
            if self.expected.get(name, Expected("", (), 0)).uid == meta["uid"]:
                del self.expected[name]
            over = verdicts.finished(job) and not meta.get("deletionTimestamp")
            if over and not self._is_early(job):
                seen.ended.append(job)
            else:
                self._running(job, keys, seen)
        self._missing(now, seen)
        self._follow_pods(now)
        self.known = now
        there = {uid for uid, _ in now.values()}
        self.early_since = {uid: t for uid, t in self.early_since.items() if uid in there}
        uids = [job["metadata"]["uid"] for job, _ in seen.stuck]
        self.stuck_since = {uid: self.stuck_since.get(uid, self.clock()) for uid in uids}
        return seen

    def _wanted(self, job: Object) -> tuple[str, ...]:
        """The steps of this study that a Job carries."""
        return tuple(key for key in keys_of(job) if key in self.view.graph.steps)

    def _is_early(self, job: Object) -> bool:
        """Whether a Job is known to have failed and its pod is not, which another watch tells:
        how it ended is worth a wait."""
        uid = job["metadata"]["uid"]
        pods = self.world.pods(uid)
        behind = any(verdicts.alive(pod) for pod in pods) if pods else not self.world.pods_gone(uid)
        if verdicts.finished(job) != "Failed" or not behind:
            self.early_since.pop(uid, None)
            return False
        return self.clock() - self.early_since.setdefault(uid, self.clock()) < PODS_BEHIND

    def stuck_for(self, job: Object) -> float:
        """Seconds for which a Job has been seen to be stuck; by no clock that can be set."""
        now = self.clock()
        return now - self.stuck_since.get(job["metadata"]["uid"], now)

    def _running(self, job: Object, keys: tuple[str, ...], seen: Seen) -> None:
        meta = job["metadata"]
        seen.in_flight[meta["name"]] = keys
        if not meta.get("deletionTimestamp"):
            if not self.ownership.marked(job):
                seen.foreign.append(job)
            if verdicts.spoiled(job):
                seen.spoiled.append(job)
        if job.get("spec", {}).get("suspend"):
            seen.suspended += 1
            seen.queued.add(meta["name"])
        elif not job.get("status", {}).get("ready"):
            pods = self.world.pods(meta["uid"])
            if not verdicts.at_work(job, pods):
                seen.queued.add(meta["name"])
            stuck = (found for pod in pods if (found := verdicts.stuck(pod)))
            seen.stuck.extend((job, found) for found in islice(stuck, 1))

    def _follow_pods(self, now: Mapping[str, tuple[str, tuple[str, ...]]]) -> None:
        """Where a Job lost a pod and goes on, attempts may have ended without a word."""
        before, self.pods_gone = self.pods_gone, {}
        looked: list[str] = []
        for uid, keys in now.values():
            failed = sum(1 for pod in self.world.pods(uid) if verdicts.failed(pod))
            count = self.world.pods_gone(uid) + failed
            if count:
                self.pods_gone[uid] = count
                if count != before.get(uid, 0) and uid not in self.settled:
                    looked.extend(keys)
        self.refresh(list(dict.fromkeys(looked)))

    def _missing(self, now: dict[str, tuple[str, tuple[str, ...]]], seen: Seen) -> None:
        """Jobs that went without a word: their steps are looked at again."""
        gone: list[str] = []
        for name, (uid, keys) in self.known.items():
            if name not in now or now[name][0] != uid:
                if uid in self.settled:
                    self.settled.discard(uid)
                elif self._hidden(name, uid):
                    seen.in_flight[name] = keys
                    now[name] = (uid, keys)
                else:
                    gone.extend(keys)
        moment = self.clock()
        for name, entry in list(self.expected.items()):
            if self.world.gone(entry.uid) or self._never_came(name, entry, moment):
                del self.expected[name]
                gone.extend(entry.keys)
            else:
                seen.in_flight.setdefault(name, entry.keys)
                seen.queued.add(name)
        self.refresh(gone)
        self.view.unsettled.update(key for key in gone if key in self.view.committed)

    def _hidden(self, name: str, uid: str) -> bool:
        """Whether a Job is there and only its labels went, which are given back."""
        found = self.api.find(JOBS, name, self.namespace)
        if found is None or found["metadata"]["uid"] != uid:
            return False
        if not found["metadata"].get("deletionTimestamp"):
            self._relabel(found)
        return True

    def _relabel(self, job: Object) -> None:
        steps = [self.view.graph.steps[key] for key in self._wanted(job)]
        if not steps:
            return
        made = {**self.settings.labels, **labels(steps)}
        if made.items() - (job["metadata"].get("labels") or {}).items():
            self.ownership.relabel(job, made)

    def _never_came(self, name: str, entry: Expected, moment: float) -> bool:
        if moment - entry.since < UNSEEN:
            return False
        entry.since = moment
        found = self.api.find(JOBS, name, self.namespace)
        return found is None or found["metadata"]["uid"] != entry.uid

    def refresh(self, keys: Sequence[str]) -> None:
        """Looks at steps in the store again, several at a time."""
        if len(keys) == 1:
            self.view.refresh(keys[0])
        elif keys:
            list(self.pool.map(self.view.refresh, keys))

    def held(self) -> frozenset[str]:
        """Keys whose Job the API server refused a moment ago."""
        now = self.clock()
        for key in [key for key, refusal in self.refused.items() if refusal.until <= now]:
            del self.refused[key]
        return frozenset(self.refused)

    # settle

    def settle(self, jobs: Sequence[Object], shaken: Collection[str]) -> list[Ending]:
        """The endings of finished Jobs' steps, recorded; then the Jobs go.

        Of Jobs whose uid is among ``shaken`` (the store was away under them), faults that may
        pass are not charged.
        """
        self.over, self.going = [], []
        carried = [self._wanted(job) for job in jobs]
        self.refresh(list(dict.fromkeys(key for keys in carried for key in keys)))
        hit = [job["metadata"]["uid"] in shaken for job in jobs]
        settled = self.pool.map(self._settle, jobs, carried, hit)
        return [ending for endings in settled for ending in endings]

    def _settle(self, job: Object, keys: Sequence[str], outage: bool) -> list[Ending]:
        pods = self.world.pods(job["metadata"]["uid"])
        verdict = verdicts.of_job(job, pods)
        if outage and verdict.outcome == "transient":
            verdict = Verdict("lost", f"{verdict.message} while the store was away")
        if verdict.outcome == "transient" and self._lost_a_pod(job):
            verdict = Verdict("lost", f"{verdict.message}: another of its pods was disrupted")
        endings = list(self._endings(job, pods, keys, verdict))
        if verdicts.finished(job) != "Complete" or job["metadata"]["uid"] in self.pods_gone:
            self.view.unsettled.update(key for key in keys if key in self.view.committed)
        left = [key for key in keys if key not in self.view.committed]
        if not left:
            self.over.append(job)
            return endings
        self._done_with(job)
        self._hold(left, "its last Job went a moment ago", AGAIN)
        return endings

    def _lost_a_pod(self, job: Object) -> bool:
        """Whether pods that work together were parted from outside; the one that was taken may
        be gone by now."""
        several = int(job.get("spec", {}).get("completions") or 1) > 1
        return several and self.world.disrupted(job["metadata"]["uid"])

    def settle_rest(self) -> bool:
        """Gives an outcome to what is left when a study is complete: attempts whose pod died
        without a word. True where pods are still there that may say something."""
        self.settle_committed()
        for key, states in self.view.open_claims().items():
            for state in states:
                if self.view.holder_of(state) == "gone":
                    self.lost(key, state.claim.attempt)
                else:
                    self.view.refresh(key)
        return bool(self.view.unsettled or self.view.open_claims())

    def settle_committed(self) -> None:
        """Gives an outcome to attempts of committed steps whose pod died before it did. Those
        whose pod is still there are looked at again the next time."""
        unsettled = sorted(self.view.unsettled)
        for key, done in zip(unsettled, self.pool.map(self._settle_key, unsettled), strict=True):
            if done:
                self.view.unsettled.discard(key)

    def _settle_key(self, key: str) -> bool:
        artifacts = self.view.artifacts
        left = [state for state in artifacts.attempts(key) if state.outcome is None]
        if not left:
            return True
        manifest = artifacts.manifest(key)
        if manifest is None:  # invalidated since
            self.view.refresh(key)
            return True
        gone = [state for state in left if self.view.holder_of(state) == "gone"]
        for state in gone:
            if state.claim.attempt == manifest.attempt:
                verdict = Verdict("committed", "its pod went right after the commit")
            else:
                verdict = Verdict("lost", "its pod is gone without a word")
            self._record(state.claim, verdict)
        return len(gone) == len(left)

    def begin_to_let_go(self) -> None:
        """Asks for the deletion of the Jobs of which every step is committed."""
        over, self.over = self.over, []
        self.going += [self.pool.submit(self._done_with, job) for job in over]

    def let_go(self) -> None:
        """Waits until they are deleted."""
        self.begin_to_let_go()
        going, self.going = self.going, []
        for deletion in going:
            deletion.result()

    def overtaken(self) -> bool:
        """Whether Jobs have finished since the last look."""
        return self.world.endings(self.namespace) != self.looked

    def _done_with(self, job: Object) -> None:
        self._unreserve(keys_of(job))
        if self.ownership.delete(job):
            self.settled.add(job["metadata"]["uid"])

    def _endings(
        self, job: Object, pods: Sequence[Object], keys: Sequence[str], verdict: Verdict
    ) -> Iterator[Ending]:
        holders = {f"{POD}{pod['metadata']['uid']}": pod for pod in pods}
        own = f"{JOB}{job['metadata']['uid']}"
        begun = False
        late = verdicts.past_deadline(job)
        for key in keys:
            if key in self.view.committed:
                begun = True
                yield Ending(key, "committed")
                continue
            states = self.view.attempts.get(key, [])
            mine = [s for s in states if s.claim.holder in holders or s.claim.holder == own]
            for state in mine:
                begun = True
                pod = holders.get(state.claim.holder)
                if state.outcome is None and pod is not None and verdicts.alive(pod):
                    continue  # it goes with its Job, and may still commit or save
                if state.outcome is None:
                    yield self._close(state.claim, verdict, pod)
                elif late and state is mine[-1] and state.outcome.outcome == "saved":
                    yield self._close(self._claim(key, own), verdict, None)
                elif state is mine[-1]:
                    yield Ending(key, state.outcome.outcome, state.outcome.message)
        left = [key for key in keys if key not in self.view.committed]
        if not begun and left and verdict.outcome not in ("lost", "saved"):
            yield self._close(self._claim(left[0], own), verdict, pods[-1] if pods else None)

    def _claim(self, key: str, holder: str) -> Claim:
        return self.view.artifacts.claim(key, holder, now())

    def fail(self, job: Object, message: str) -> list[Ending]:
        """Charges the first step of a Job that cannot go on, and deletes the Job."""
        keys = self._wanted(job)
        self.refresh(keys)
        left = [key for key in keys if key not in self.view.committed]
        endings = []
        if left:
            claim = self._claim(left[0], f"{JOB}{job['metadata']['uid']}")
            endings.append(self._close(claim, Verdict("failed", message), None))
        self._done_with(job)
        return endings

    def lost(self, key: str, attempt: int) -> Ending:
        """Records that the holder of an open claim is gone, with what its pod still says."""
        verdict = Verdict("lost", "its pod is gone without a word")
        self.view.refresh(key)  # it may have committed or saved since
        if key in self.view.committed:
            return Ending(key, "committed")
        for state in self.view.attempts[key]:
            if state.claim.attempt == attempt and state.outcome is not None:
                return Ending(key, state.outcome.outcome, state.outcome.message)
            if state.claim.attempt == attempt:
                pod = self.world.pod(state.claim.holder.removeprefix(POD))
                if told := self._told(pod):
                    verdict = verdicts.of_world(told)
                return self._close(state.claim, verdict, pod)
        return Ending(key, "lost", verdict.message)

    def _told(self, pod: Object | None) -> list[Verdict]:
        """How a pod ended, and those that it worked together with."""
        if pod is None:
            return []
        pods = self.world.beside(pod) if verdicts.is_of_world(pod) else [pod]
        return [told for one in pods if (told := verdicts.of_pod(one)) is not None]

    def _close(self, claim: Claim, verdict: Verdict, pod: Object | None) -> Ending:
        artifacts = self.view.artifacts
        if pod is not None and artifacts.log(claim.key, claim.attempt) is None:
            self._ship(claim, pod)
        recorded = self._record(claim, verdict)
        self.view.refresh(claim.key)
        if not recorded and (said := artifacts.outcome(claim.key, claim.attempt)) is not None:
            return Ending(claim.key, said.outcome, said.message)
        return Ending(claim.key, verdict.outcome, verdict.message)

    def _record(self, claim: Claim, verdict: Verdict) -> bool:
        return self.view.artifacts.record_outcome(
            Outcome(
                key=claim.key,
                attempt=claim.attempt,
                outcome=verdict.outcome,
                message=self.redact(verdict.message),
                exit_code=verdict.exit_code,
                recorded_by="driver",
                ended_at=now(),
            )
        )

    def _ship(self, claim: Claim, pod: Object) -> None:
        """What a dead pod printed, where its runner could not store it; as well as possible."""
        name = pod["metadata"]["name"]
        with suppress(CltError, OSError):
            brief = self.api.limited(patience=0, read_seconds=LOG_SECONDS)
            lines = brief.pod_log(
                self.namespace, name, container=verdicts.CONTAINER, tail=LOG_LINES
            )
            text = self.redact(b"\n".join(lines).decode(errors="replace"))
            if text:
                self.view.artifacts.write_log(claim.key, claim.attempt, text.encode())

    # act

    def launch(self, launches: Sequence[Launch]) -> tuple[list[Refusal], int]:
        """Stores the documents, creates the Jobs; what was refused is held back for a while.

        When a Job ends meanwhile, what it lets begin may be more urgent: the rest is left to the
        next look. Returns the refusals, and how many launches were left.
        """
        self._side_by_side(launches)
        left = []

        def launch(at: int, asked: Launch) -> Refusal | None:
            if at >= AT_LEAST and self.overtaken():
                left.append(asked)
                return None
            return self._launch(asked)

        made = self.pool.map(launch, count(), launches)
        self.begin_to_let_go()
        refusals = [found for found in made if found]
        return refusals, len(left)

    def prepare(self) -> None:
        """Stores some documents of steps that come later: their Jobs need not wait for it."""
        some, self.ahead = self.ahead[-SOME:], self.ahead[:-SOME]
        if self.ownership.leads():
            list(self.pool.map(self._store, [key for key in some if self._lacks_document(key)]))

    def _side_by_side(self, launches: Sequence[Launch]) -> None:
        """Stores the documents of a few Jobs that carry many steps. Many Jobs keep all
        connections busy by themselves."""
        if len(launches) < AT_LEAST and self.ownership.leads():
            keys = [key for launch in launches if len(launch.keys) > 1 for key in launch.keys]
            list(self.pool.map(self._store, [key for key in keys if self._lacks_document(key)]))

    def _lacks_document(self, key: str) -> bool:
        """Whether a document has to be stored before a Job; before a further attempt it is
        stored again, whatever became of it."""
        if key in self.view.committed:
            return False
        return key not in self.documented or bool(self.view.attempts.get(key))

    def _store(self, key: str) -> None:
        self.view.artifacts.put_document(StepDocument.of(self.view.graph.steps[key]))
        self.documented.add(key)

    def _launch(self, launch: Launch) -> Refusal | None:
        if not self.ownership.leads():
            return None
        steps = [self.view.graph.steps[key] for key in launch.keys]
        for key in launch.keys:
            if self._lacks_document(key):
                self._store(key)
        manifests = render_batch(steps, self.compute, self.settings, self.ownership.owner)
        job = next(manifest for manifest in manifests if manifest["kind"] == "Job")
        who = self.ownership.owner.label
        if not self.reservations.take(self.namespace, launch.keys, who, job["metadata"]["name"]):
            self._hold(launch.keys, "another study just made a Job for a step of it", CLASH)
            return None
        try:
            made = self._create(job, launch.keys)
            if made is not None:
                for manifest in manifests:
                    if manifest["kind"] == "Service":
                        self._serve(manifest, made)
        except ClusterError as error:
            self._unreserve(launch.keys)
            if error.status in (400, 403, 404, 422):  # no retry of ours makes it right
                refusal = Refusal(str(error), self.clock() + REFUSED)
                for key in launch.keys:
                    self.refused[key] = refusal
                return refusal
            raise
        return None

    def _unreserve(self, keys: Sequence[str]) -> None:
        self.reservations.drop(self.namespace, keys, self.ownership.owner.label)

    def _create(self, job: Object, keys: tuple[str, ...]) -> Object | None:
        """The Job, made now or before; None where one on its way out has its name."""
        name = job["metadata"]["name"]
        try:
            made = self.api.create(JOBS, job, manager=MANAGER, brief=True)
            self.created += 1
        except AlreadyExists:
            found = self.api.find(JOBS, name, self.namespace)
            if found is None or found["metadata"].get("deletionTimestamp"):
                self._hold(keys, "a Job of that name is still going", CLASH)
                return None
            made = found
            if verdicts.finished(made) or set(keys_of(made)) != set(keys):
                self._relabel(made)  # without its labels no watch shows it
                self._hold(keys, "a finished Job has that name", CLASH)
                return None
            self._relabel(made)
            self.ownership.join(trim_job(made))
        self.expected[name] = Expected(made["metadata"]["uid"], keys, self.clock())
        return made

    def _hold(self, keys: Sequence[str], message: str, seconds: float) -> None:
        refusal = Refusal(message, self.clock() + seconds)
        for key in keys:
            self.refused[key] = refusal

    def _serve(self, service: Object, job: Object) -> None:
        """The Service by which the pods of a Job meet: it goes with its Job."""
        meta = job["metadata"]
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": meta["name"], "uid": meta["uid"]}
        body = {**service, "metadata": {**service["metadata"], "ownerReferences": [owner]}}
        with suppress(AlreadyExists):
            self.api.create(SERVICES, body, manager=MANAGER)
