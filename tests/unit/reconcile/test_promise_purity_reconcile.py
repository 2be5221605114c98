"""Promise 1 for reconcile, and what follows from it whatever the graph and the luck.

Random graphs are run to the end in a simulated world whose outcomes hypothesis chooses.
"""

import random
import time
from typing import ClassVar

from hypothesis import given, settings
from hypothesis import strategies as st

from clt_operator.api.base import Params
from clt_operator.api.step import Graph, Input, Step, Work, make_step
from clt_operator.reconcile import Attempt, Index, Launch, Observed, Policy, RecordLost, reconcile

FREE = ("saved", "lost")
OUTCOMES = ("committed", "committed", "committed", "failed", "transient", "input-at-fault", *FREE)


class Small(Params):
    kind: ClassVar[str] = "derive"
    name: int


class Large(Params):
    kind: ClassVar[str] = "train"
    name: int


@st.composite
def graphs(draw) -> Graph:
    size = draw(st.integers(1, 14))
    steps: list[Step] = []
    for at in range(size):
        params = draw(st.sampled_from((Small, Large)))(name=at)
        read = draw(st.lists(st.sampled_from(steps), max_size=3, unique_by=id)) if steps else []
        inputs = tuple(Input(f"in{n}", s.key, "out") for n, s in enumerate(read))
        hints = {"batch": draw(st.sampled_from("ab"))}
        steps.append(make_step(Work(params), inputs, {}, hints))
    targets = draw(st.lists(st.sampled_from(steps), min_size=1, max_size=2, unique_by=id))
    return Graph({s.key: s for s in steps}, tuple(s.key for s in targets))


def needed(graph: Graph, committed: frozenset[str] = frozenset()) -> set[str]:
    found, stack = set(), [key for key in graph.targets if key not in committed]
    while stack:
        key = stack.pop()
        if key not in found:
            found.add(key)
            stack.extend(i.key for i in graph.steps[key].inputs if i.key not in committed)
    return found


class World:
    """A cluster of two slots in which hypothesis decides how each attempt ends."""

    def __init__(self, graph: Graph, luck: random.Random, always: str = "") -> None:
        self.graph, self.luck, self.always = graph, luck, always
        self.committed: set[str] = set()
        self.attempts: dict[str, list[Attempt]] = {}
        self.jobs: list[tuple[str, ...]] = []
        self.commits: list[str] = []

    def observed(self) -> Observed:
        return Observed(
            committed=frozenset(self.committed),
            attempts={key: tuple(tried) for key, tried in self.attempts.items()},
            in_flight=tuple(self.jobs),
            free_slots=2 - len(self.jobs),
        )

    def act(self, action: Launch | RecordLost) -> None:
        if isinstance(action, RecordLost):
            tried = self.attempts[action.key]
            tried[action.attempt - 1] = Attempt(action.attempt, "lost")
            return
        for key in action.keys:
            assert key not in self.committed, "what is committed is never computed again"
            assert all(key not in job for job in self.jobs), "one Job at a time holds a step"
            inputs = {i.key for i in self.graph.steps[key].inputs}
            assert inputs <= self.committed, "a step starts after its inputs are committed"
        self.jobs.append(action.keys)

    def end_a_job(self) -> None:
        job = self.jobs.pop(self.luck.randrange(len(self.jobs)))
        for key in job:
            tried = self.attempts.setdefault(key, [])
            outcome = self.always or self.luck.choice(OUTCOMES)
            if outcome == "committed":
                self.committed.add(key)
                self.commits.append(key)
            number = len(tried) + 1
            if outcome == "lost":
                tried.append(Attempt(number, None, "gone"))
                return  # the process died: the rest of the batch was never begun
            tried.append(Attempt(number, outcome))


def run(world: World, policy: Policy) -> str:
    index = Index.of(world.graph)
    for _ in range(10_000):
        observed = world.observed()
        decision = reconcile(world.graph, observed, policy, index)
        assert decision == reconcile(world.graph, observed, policy), "same input, same decision"
        for action in decision.actions:
            world.act(action)
        if decision.finished:
            assert not world.jobs
            return decision.finished
        assert world.jobs, "unfinished, so something must be under way"
        world.end_a_job()
    raise AssertionError("it did not terminate")


@settings(max_examples=150, deadline=None)
@given(graphs(), st.randoms(use_true_random=False))
def test_promise_purity_and_termination(graph, luck):
    world = World(graph, luck)
    policy = Policy(attempts=3, lost=4, max_batch={"derive": 3})
    finished = run(world, policy)
    assert len(world.commits) == len(set(world.commits))
    assert set(world.commits) <= needed(graph)
    assert (finished == "complete") == (set(graph.targets) <= world.committed)
    for tried in world.attempts.values():
        counted = [a for a in tried if a.outcome in ("failed", "transient")]
        lost = [a for a in tried if a.outcome == "lost"]
        assert len(counted) <= policy.attempts
        assert len(lost) <= policy.lost + 1
        assert all(a.outcome != "input-at-fault" for a in tried[:-1])


@settings(max_examples=60, deadline=None)
@given(graphs(), st.randoms(use_true_random=False))
def test_promise_every_needed_step_is_committed_exactly_once(graph, luck):
    world = World(graph, luck, always="committed")
    assert run(world, Policy()) == "complete"
    assert sorted(world.commits) == sorted(needed(graph))


@settings(max_examples=60, deadline=None)
@given(graphs(), st.randoms(use_true_random=False), st.data())
def test_promise_what_is_committed_is_never_computed_again(graph, luck, data):
    before = data.draw(st.sets(st.sampled_from(sorted(graph.steps))))
    world = World(graph, luck, always="committed")
    world.committed |= before
    assert run(world, Policy()) == "complete"
    assert set(world.commits) == needed(graph, frozenset(before))


def test_twenty_thousand_steps_are_reconciled_in_a_tenth_of_a_second():
    rows = [make_step(Work(Small(name=at)), ()) for at in range(200)]
    models = [
        make_step(
            Work(Large(name=at)),
            tuple(Input(f"c{n}", rows[(at * 7 + n) % 200].key, "out") for n in range(8)),
        )
        for at in range(2_000)
    ]
    cells = [
        make_step(Work(Small(name=1000 + at)), (Input("model", models[at // 9].key, "m"),))
        for at in range(17_800)
    ]
    last = make_step(Work(Large(name=-1)), tuple(Input(f"cell/{s.key}", s.key, "i") for s in cells))
    steps = [*rows, *models, *cells, last]
    graph = Graph({s.key: s for s in steps}, (last.key,))
    index = Index.of(graph)
    committed = frozenset(s.key for s in steps[:10_000])
    observed = Observed(committed=committed, free_slots=2)

    def once() -> float:
        begin = time.process_time()
        reconcile(graph, observed, Policy(), index)
        return time.process_time() - begin

    assert min(once() for _ in range(5)) < 0.1
