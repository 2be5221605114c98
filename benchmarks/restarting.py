"""A restart over a thousand finished steps, and looks at an experiment in which nothing changed.

The study is run by the stub up to one step that is held back, so that the operator has to plan,
read the store and look at a running Job again: a complete experiment would not even be planned.
Then the operator is ended (SIGTERM) and started, and everything that it asks the API server to
change is counted in the audit log, leases left out. It is **steady** once it has looked at the
experiment without an error.
"""

import time
from dataclasses import dataclass

from cluster.harness.operator import Operator
from cluster.harness.stub import Stub
from cluster.harness.waiting import until
from scene import PATIENCE, Place, Scene, looks, scene
from studies import NAME, deep

QUIET = 5.0  # seconds without a look after which nothing is under way
WATCHED = 8.0  # seconds after a start in which writes are counted
TOUCHES = 10  # changes of a Job by somebody else, each of which wakes the operator
HELD = "collect"


@dataclass(frozen=True)
class Restarted:
    """``steady`` in seconds from the start of each process; ``resync_looks`` happened while
    nothing of the experiment changed, and asked for ``resync_writes``."""

    steps: int
    steady: tuple[float, ...]
    writes: tuple[int, ...]
    resync_looks: int
    resync_writes: int
    complete_steady: tuple[float, ...]
    complete_writes: tuple[int, ...]


def measure(seeds: int, runs: int) -> Restarted:
    with scene() as at, at.place("again") as place:
        stub = Stub(at.cluster.client, place.namespace, place.store.environment)
        gate = stub.hold(kind=HELD)
        with stub:
            operator = place.operator()
            place.experiments.create(deep(seeds), NAME)
            stub.working(kind=HELD, seconds=PATIENCE)
            _settled(operator)
            steps = _done(place)
            going = [_restart(at, place, operator) for _ in range(runs)]
            looked, wrote = _touch(at, place, operator)
            gate.set()
            place.complete(NAME)
            _settled(operator)
            complete = [_restart(at, place, operator) for _ in range(runs)]
            assert not stub.faults, stub.faults
    return Restarted(
        steps,
        tuple(seconds for seconds, _ in going),
        tuple(count for _, count in going),
        looked,
        wrote,
        tuple(seconds for seconds, _ in complete),
        tuple(count for _, count in complete),
    )


def _restart(at: Scene, place: Place, operator: Operator) -> tuple[float, int]:
    """Seconds until it is steady, and the writes that it asked for."""
    operator.stop()
    mark = at.cluster.audit.mark()
    begun = time.monotonic()
    operator.start()
    until(lambda: looks(operator) >= 1, 60, what="it looked at the experiment", pause=0.02)
    steady = time.monotonic() - begun
    until(lambda: time.monotonic() - begun > WATCHED, WATCHED + 5, what="writes were watched for")
    assert _errors(operator) == 0, operator.logs[-2000:]
    return steady, len(at.cluster.audit.writes(mark, user=place.user))


def _touch(at: Scene, place: Place, operator: Operator) -> tuple[int, int]:
    """Somebody else writes annotations to the running Job: looks and writes of the operator
    meanwhile."""
    (job,) = at.cluster.jobs(place.namespace)
    mark = at.cluster.audit.mark()
    first = before = looks(operator)
    for number in range(TOUCHES):
        change = {"metadata": {"annotations": {"example.com/touched": str(number)}}}
        at.cluster.client.patch(f"{place.jobs_path}/{job['metadata']['name']}", change)
        until(lambda: looks(operator) > before, 30, what="the operator looked")  # noqa: B023
        before = looks(operator)
    _settled(operator)
    return int(looks(operator) - first), len(at.cluster.audit.writes(mark, user=place.user))


def _settled(operator: Operator) -> None:
    """Until no look has happened for a while, but those at a step that runs."""
    seen = {"writes": -1.0, "since": time.monotonic()}

    def quiet() -> bool:
        writes = operator.metrics()["clt_operator_api_writes_total"]
        if writes - seen["writes"] > QUIET:  # a leader renews its lease every two seconds
            seen.update(writes=writes, since=time.monotonic())
        return time.monotonic() - seen["since"] > QUIET

    until(quiet, 120, what="the operator is quiet", pause=0.2)


def _errors(operator: Operator) -> float:
    found = operator.metrics()
    return sum(n for name, n in found.items() if name.startswith("clt_operator_reconcile_errors"))


def _done(place: Place) -> int:
    counts = place.experiments.status(NAME)["counts"]
    return sum(row.get("done", 0) for row in counts)
