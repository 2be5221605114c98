"""What has to hold after every fault, whatever it was."""

import re
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from cluster.harness.cluster import Cluster
from cluster.harness.experiments import LONG, Experiments
from cluster.harness.store import Store
from cluster.harness.waiting import until

from clt_operator.store.artifacts import Artifacts, AttemptState

CHARGED = ("failed", "out-of-memory", "transient", "input-at-fault")
CALM = {"Progressing": "False", "Failed": "False", "Suspended": "False", "Degraded": "False"}
AGREE = {"Accepted": "True", "Complete": "True", **CALM}

Json = dict[str, Any]


@dataclass(frozen=True)
class Intact:
    """``assert_intact()`` waits until an experiment is complete and asserts that

    - every step is committed exactly once: one manifest, one outcome ``committed``, of the same
      attempt;
    - every attempt that anybody claimed has an outcome;
    - the outcomes that count against a step are those that the test caused (``charged``);
    - no Job and no pod is left, and the root is there;
    - status, conditions and events say so.

    ``assert_intact.failed()`` is for one that ends without a report.
    """

    cluster: Cluster
    store: Store
    experiments: Experiments

    def __call__(
        self,
        name: str = "study",
        *,
        charged: Mapping[str, int] | None = None,
        reason: str = "ReportCommitted",
        told: bool = True,
        seconds: float = LONG,
    ) -> None:
        """``told=False``: an operator was killed, with events that it had not written yet."""
        self.experiments.wait("Complete", reason=reason, name=name, seconds=seconds)
        self.no_leftovers(name)
        artifacts = self.store.artifacts
        root = self.root(name)
        assert root, "the root was dropped"
        assert root["uid"] == self.experiments.get(name)["metadata"]["uid"]
        self._status_agrees(name, root, artifacts.committed(), reason)
        faults = self.store_agrees(artifacts, charged or {})
        self._events_agree(name, faults, {reason} if told else set())

    def failed(self, name: str = "study", *, charged: Mapping[str, int] | None = None) -> None:
        """The same of a study that came to an end without a report."""
        self.experiments.wait("Failed", reason="StepsFailed", name=name)
        self.no_leftovers(name)
        artifacts = self.store.artifacts
        assert self.root(name), "the root was dropped"
        faults = self.store_agrees(artifacts, charged or {})
        status = self.experiments.status(name)
        conditions = {c["type"]: c["status"] for c in status["conditions"]}
        assert conditions == {**AGREE, "Complete": "False", "Failed": "True"}, conditions
        assert status["phase"] == "Failed"
        assert {failure["key"] for failure in status["failures"]} <= set(faults)
        assert status["running"] == 0
        self._events_agree(name, faults, {"StepsFailed"})

    def root(self, name: str = "study") -> Json | None:
        return self.store.artifacts.root(self.experiments.namespace, name)

    def no_leftovers(self, name: str = "study", namespace: str = "") -> None:
        """Waits until no Job and no pod of an experiment is there."""
        namespace = namespace or self.experiments.namespace
        label = f"member.clt.dev/{name}"

        def gone() -> bool:
            jobs = self.cluster.jobs(namespace)
            owned = [job["metadata"]["name"] for job in jobs if name in _owners(job)]
            pods = [p["metadata"]["name"] for p in self.cluster.pods(namespace).all(label)]
            assert not owned, f"Jobs are left: {owned}"
            assert not pods, f"pods are left: {pods}"
            return True

        until(gone, 45, what=f"nothing of {name} is left", pause=0.2)

    def store_agrees(
        self, artifacts: Artifacts, charged: Mapping[str, int]
    ) -> dict[str, list[AttemptState]]:
        """Every artifact committed once, every attempt ended; what was charged, by key."""

        def ended() -> bool:
            open_claims = _difference(artifacts.attempt_numbers(), artifacts.outcome_numbers())
            assert not open_claims, f"attempts without an outcome: {open_claims}"
            return True

        until(ended, 30, what="every attempt has an outcome", pause=0.5)
        keys = sorted(artifacts.attempt_numbers())
        with ThreadPoolExecutor(8) as pool:
            attempts = dict(zip(keys, pool.map(artifacts.attempts, keys), strict=True))
            manifests = dict(zip(keys, pool.map(artifacts.manifest, keys), strict=True))
        for key, states in attempts.items():
            won = [s.claim.attempt for s in states if _kind(s) == "committed"]
            manifest = manifests[key]
            assert won == ([manifest.attempt] if manifest else []), (key, states)
        counted = Counter(_kind(s) for states in attempts.values() for s in states)
        found = {kind: counted[kind] for kind in CHARGED if counted[kind]}
        assert found == dict(charged), _charged(attempts)
        return _charged(attempts)

    def _status_agrees(self, name: str, root: Json, committed: set[str], reason: str) -> None:
        item = self.experiments.get(name)
        status, generation = item["status"], item["metadata"]["generation"]
        assert status["phase"] == "Complete"
        assert status["observedGeneration"] == generation
        conditions = {c["type"]: c for c in status["conditions"]}
        assert {kind: c["status"] for kind, c in conditions.items()} == AGREE, conditions
        assert {c["observedGeneration"] for c in conditions.values()} == {generation}
        report = root.get("report") or root["targets"][0]
        assert status["report"] == report
        assert report in committed
        if reason == "ReportCommitted":
            total = len(root["keys"])
            assert status["done"] == f"{total}/{total}"
            assert not status.get("failures")
            assert not set(root["keys"]) - committed, "keys of the root are not committed"

    def _events_agree(
        self, name: str, faults: Mapping[str, list[AttemptState]], said: set[str]
    ) -> None:
        """Warnings ``StepFailed`` for steps that were charged and for no other; where ``said``
        names reasons, one for each such step, and those reasons."""
        uid = self.experiments.get(name)["metadata"]["uid"]
        charged = {key[:12] for key in faults}

        def agree() -> bool:
            events = self.cluster.events(self.experiments.namespace)
            mine = [event for event in events if event.get("regarding", {}).get("uid") == uid]
            warned = {_short_key(e["note"]) for e in mine if e["reason"] == "StepFailed"}
            assert warned <= charged, (warned, charged)
            assert not said or warned == charged, (warned, charged)
            assert said <= {event["reason"] for event in mine}
            return True

        until(agree, 15, what="events tell what happened")


def _owners(job: Json) -> list[str]:
    meta = job["metadata"]
    owners = [owner["name"] for owner in meta.get("ownerReferences") or ()]
    prefix = "member.clt.dev/"
    members = [n.removeprefix(prefix) for n in meta.get("labels") or () if n.startswith(prefix)]
    return owners + members


def _difference(claims: dict[str, list[int]], ends: dict[str, list[int]]) -> Json:
    left = {key: sorted(set(numbers) - set(ends.get(key, ()))) for key, numbers in claims.items()}
    return {key: numbers for key, numbers in left.items() if numbers}


def _kind(state: AttemptState) -> str:
    return state.outcome.outcome if state.outcome else ""


def _charged(attempts: Mapping[str, list[AttemptState]]) -> dict[str, list[AttemptState]]:
    found = {key: [s for s in states if _kind(s) in CHARGED] for key, states in attempts.items()}
    return {key: states for key, states in found.items() if states}


def _short_key(note: str) -> str:
    match = re.search(r"\b[0-9a-f]{12}\b", note)
    return match[0] if match else note
