"""Decisions, one situation at a time."""

from typing import ClassVar

import pytest

from clt_operator.api.base import Params
from clt_operator.api.step import Graph, Input, Step, Work, make_step
from clt_operator.reconcile import (
    Attempt,
    Index,
    Launch,
    Observed,
    Policy,
    RecordLost,
    outcome_of_exit,
    reconcile,
)


class DeriveLike(Params):
    kind: ClassVar[str] = "derive"
    name: str


class TrainLike(Params):
    kind: ClassVar[str] = "train"
    name: str


class ReportLike(Params):
    kind: ClassVar[str] = "report"
    name: str


def step(params: Params, *inputs: Step, **hints: object) -> Step:
    read = tuple(Input(f"in{at}", item.key, "out") for at, item in enumerate(inputs))
    return make_step(Work(params), read, {"name": getattr(params, "name", "")}, hints)


def graph(*steps: Step) -> Graph:
    return Graph({s.key: s for s in steps}, (steps[-1].key,))


ROWS = step(DeriveLike(name="rows"))
LEFT = step(TrainLike(name="left"), ROWS)
RIGHT = step(TrainLike(name="right"), ROWS)
REPORT = step(ReportLike(name="report"), LEFT, RIGHT)
DIAMOND = graph(ROWS, LEFT, RIGHT, REPORT)


def decide(committed: list[Step] | None = None, **observed: object):
    done = frozenset(s.key for s in committed or [])
    settings = {"free_slots": 4, **observed}
    return reconcile(DIAMOND, Observed(committed=done, **settings), Policy())


def test_what_has_no_uncommitted_input_is_launched():
    assert decide().actions == (Launch((ROWS.key,)),)
    assert set(decide([ROWS]).actions) == {Launch((LEFT.key,)), Launch((RIGHT.key,))}


def test_a_committed_report_needs_nothing_even_where_its_inputs_are_gone():
    decision = decide([REPORT])
    assert decision.actions == ()
    assert decision.finished == "complete"
    assert decision.status.counts["train"] == {"unneeded": 2}


def test_an_artifact_that_only_committed_steps_read_is_not_made():
    decision = decide([LEFT, RIGHT])
    assert decision.actions == (Launch((REPORT.key,)),)
    assert decision.status.counts["derive"] == {"unneeded": 1}


def test_a_job_in_flight_is_not_launched_again():
    decision = decide([ROWS], in_flight=((LEFT.key,),))
    assert decision.actions == (Launch((RIGHT.key,)),)
    assert decision.status.counts["train"] == {"running": 1, "ready": 1}


def test_a_step_in_a_job_that_waits_is_queued_and_keeps_the_study_going():
    waiting = frozenset({LEFT.key, RIGHT.key})
    decision = decide([ROWS], in_flight=((LEFT.key,), (RIGHT.key,)), queued=waiting)
    assert decision.actions == ()
    assert decision.status.counts["train"] == {"queued": 2}
    assert decision.finished is None


@pytest.mark.parametrize("holder", ["alive", "unknown"])
def test_an_open_claim_of_another_process_is_waited_for(holder):
    decision = decide([ROWS, LEFT], attempts={RIGHT.key: (Attempt(1, holder=holder),)})
    assert decision.actions == ()
    assert decision.finished is None


def test_a_claim_whose_holder_is_gone_is_recorded_lost_and_the_step_tried_again():
    decision = decide([ROWS, LEFT], attempts={RIGHT.key: (Attempt(1, holder="gone"),)})
    assert decision.actions == (RecordLost(RIGHT.key, 1), Launch((RIGHT.key,)))


def test_held_keys_stay_ready_and_are_not_launched():
    decision = decide([ROWS, LEFT], held=frozenset({RIGHT.key}))
    assert decision.actions == ()
    assert decision.finished is None
    assert decision.status.total("ready") == 1


def test_a_failed_step_blocks_its_dependents_and_other_branches_go_on():
    fault = (Attempt(1, "input-at-fault", message="row 3 is not JSON"),)
    decision = decide([ROWS], attempts={LEFT.key: fault})
    assert decision.actions == (Launch((RIGHT.key,)),)
    assert decision.finished is None
    assert decision.failed == (LEFT.key,)
    assert decision.blocked == (REPORT.key,)
    after = decide([ROWS, RIGHT], attempts={LEFT.key: fault})
    assert after.finished == "failed"
    (failure,) = after.status.failures
    assert (failure.kind, failure.name, failure.message) == ("train", "left", "row 3 is not JSON")


def test_failures_shown_are_at_most_ten():
    rows = [step(DeriveLike(name=str(at))) for at in range(30)]
    whole = graph(*rows, step(ReportLike(name="all"), *rows))
    attempts = {s.key: (Attempt(1, "input-at-fault", message=s.key),) for s in rows}
    decision = reconcile(whole, Observed(attempts=attempts, free_slots=1), Policy())
    assert len(decision.failed) == 30
    assert len(decision.status.failures) == 10
    assert decision.status.total("failed") == 30


def test_an_input_that_no_step_makes_must_be_committed():
    elsewhere = step(TrainLike(name="of another experiment"))
    whole = graph(step(ReportLike(name="r"), elsewhere))
    blocked = reconcile(whole, Observed(free_slots=1), Policy())
    assert blocked.finished == "failed"
    assert elsewhere.key[:12] in blocked.status.failures[0].message
    seen = Observed(committed=frozenset({elsewhere.key}), free_slots=1)
    assert len(reconcile(whole, seen, Policy()).launches) == 1


def test_small_steps_share_jobs_that_fill_the_slots_evenly():
    rows = [step(DeriveLike(name=str(at))) for at in range(10)]
    whole = graph(*rows, step(ReportLike(name="all"), *rows))
    jobs = reconcile(whole, Observed(free_slots=4), Policy()).launches
    assert [len(job.keys) for job in jobs] == [3, 3, 3, 1]
    capped = reconcile(whole, Observed(free_slots=2), Policy(max_batch={"derive": 2})).launches
    assert [len(job.keys) for job in capped] == [2, 2]


def test_a_job_is_not_smaller_than_its_kind_is_worth():
    steps = [step(DeriveLike(name=str(at))) for at in range(10)]
    whole = graph(*steps, step(ReportLike(name="all"), *steps))
    policy = Policy(fill={"derive": 4}, max_batch={"derive": 64})
    sizes = [len(job.keys) for job in reconcile(whole, Observed(free_slots=100), policy).launches]
    assert sizes == [4, 4, 2]
    few = [len(job.keys) for job in reconcile(whole, Observed(free_slots=2), policy).launches]
    assert few == [5, 5]


def test_steps_with_different_main_inputs_or_threads_do_not_share_a_job():
    rows = [
        step(DeriveLike(name="1"), batch="model a"),
        step(DeriveLike(name="2"), batch="model b"),
        step(DeriveLike(name="3"), batch="model a"),
        step(DeriveLike(name="4"), batch="model a", threads=2),
    ]
    whole = graph(*rows, step(ReportLike(name="all"), *rows))
    jobs = reconcile(whole, Observed(free_slots=1), Policy()).launches
    assert jobs == (Launch((rows[0].key, rows[2].key)),)


def test_the_critical_path_goes_first():
    short, long = step(DeriveLike(name="short")), step(DeriveLike(name="long"))
    model = step(TrainLike(name="model"), long)
    whole = graph(short, long, model, step(ReportLike(name="r"), short, model))
    policy = Policy(max_batch={"derive": 1})
    assert reconcile(whole, Observed(free_slots=1), policy).actions == (Launch((long.key,)),)


def test_parallelism_bounds_the_jobs_outstanding():
    decision = reconcile(
        DIAMOND,
        Observed(
            committed=frozenset({ROWS.key}), free_slots=99, in_flight=(("other experiment",),)
        ),
        Policy(parallelism=2),
    )
    assert len(decision.launches) == 1


def test_a_graph_out_of_order_is_refused():
    with pytest.raises(ValueError, match="before an input"):
        Index.of(graph(LEFT, ROWS))


def test_forgiven_attempts_count_no_more():
    attempts = {ROWS.key: (Attempt(1, "input-at-fault"),)}
    seen = Observed(attempts=attempts, free_slots=1)
    assert reconcile(DIAMOND, seen, Policy()).finished == "failed"
    assert reconcile(DIAMOND, seen, Policy(forgiven={ROWS.key: 1})).launches


def test_an_artifact_invalidated_after_its_commit_is_made_again_with_fresh_retries():
    tried = (Attempt(1, "failed"), Attempt(2, "failed"), Attempt(3, "committed"))
    assert decide(attempts={ROWS.key: tried}).launches == (Launch((ROWS.key,)),)
    again = (*tried, Attempt(4, "failed"), Attempt(5, "failed"), Attempt(6, "failed"))
    assert decide(attempts={ROWS.key: again}).finished == "failed"


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (0, "failed"),  # without a manifest
        (1, "failed"),
        (65, "input-at-fault"),
        (74, "transient"),
        (75, "saved"),
        (-9, "lost"),
        (137, "lost"),
        (-15, "lost"),
        (143, "lost"),
        (-11, "failed"),
    ],
)
def test_promise_exit_codes(code, outcome):
    assert outcome_of_exit(code) == outcome
