"""Studies that are too large: refused by multiplying, before anything is expanded."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.specs import LOCK, small_spec, spec_of

from clt_operator.plan.build import TooManySteps, plan
from clt_operator.plan.check import check
from clt_operator.plan.check.size import check_size
from clt_operator.plan.sweeps import expand


def sweep(**fields: Any) -> Any:
    data = small_spec()
    data["sweeps"][0] |= fields
    return spec_of(data)


RATES = [round(1e-5 * n, 10) for n in range(1, 201)]


def test_a_grid_is_refused_by_its_product_and_the_limit_is_named() -> None:
    spec = sweep(axes={"train.learningRate": RATES, "train.batchSize": list(range(1, 201))})
    (problem,) = check_size(spec, 20_000)
    assert str(problem) == (
        "spec.sweeps[0]: the sweeps multiply to 120,000 runs, more than the 20,000 steps that are "
        "allowed (make the grid smaller, or ask the platform team to raise limits.steps in the "
        "profiles)"
    )
    assert check_size(spec, 120_000) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"samplesPerLanguage": {"range": {"from": 0, "to": 1_000_000_000, "step": 1}}},
        {"axes": {f"train.a{n}": list(range(1000)) for n in range(20)}},
        {"axes": {"sweep.seeds": [list(range(50))] * 3000, "sweep.pivotSamples": RATES}},
        {"seeds": list(range(100)), "axes": {"train.learningRate": RATES * 50}},
        {
            "samplesPerLanguage": {"range": {"from": 0, "to": 1_000_000_000, "step": 1}},
            "exclude": [{"seeds": [0]}],
        },
    ],
)
def test_promise_a_boundless_grid_costs_no_time_to_refuse(fields: dict[str, Any]) -> None:
    spec = sweep(**fields)
    start = time.process_time()
    assert check_size(spec, 20_000)
    assert time.process_time() - start < 0.2


def test_a_local_plan_has_a_bound_as_well() -> None:
    spec = sweep(samplesPerLanguage={"range": {"from": 0, "to": 1_000_000_000, "step": 1}})
    (problem,) = check(spec)
    assert problem.message.startswith("the sweeps multiply to 1,000,000,001 runs")


def test_filters_count_where_they_leave_few() -> None:
    axes = {"train.learningRate": RATES}
    spec = sweep(axes=axes, include=[{"samplesPerLanguage": [10]}])
    assert check_size(spec, 200) == []
    assert check_size(spec, 199)


def test_several_sweeps_share_the_limit() -> None:
    data = small_spec()
    other = {**data["sweeps"][0], "name": "other", "exclude": [{"samplesPerLanguage": [0]}]}
    data["sweeps"].append(other)
    assert check_size(spec_of(data), 5) == []
    assert check_size(spec_of(data), 4)


@settings(max_examples=50, deadline=None)
@given(
    values=st.lists(st.integers(0, 40), max_size=6),
    span=st.none() | st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 9)),
    controls=st.sets(st.sampled_from(["pivot_matched", "token_matched"])),
    seeds=st.sets(st.integers(0, 9)),
    rates=st.sets(st.sampled_from(RATES), max_size=3),
    pivots=st.sets(st.integers(1, 50), max_size=3),
    own_seeds=st.lists(st.sets(st.integers(0, 9), min_size=1), max_size=3),
)
def test_the_product_is_the_number_of_points(
    *, values: Any, span: Any, controls: Any, seeds: Any, rates: Any, pivots: Any, own_seeds: Any
) -> None:
    counts: dict[str, Any] = {"values": values}
    if span:
        counts["range"] = dict(zip(("from", "to", "step"), span, strict=True))
    axes: dict[str, Any] = {}
    if rates:
        axes["train.learningRate"] = sorted(rates)
    if pivots:
        axes["sweep.pivotSamples"] = sorted(pivots)
    if own_seeds:
        axes["sweep.seeds"] = [sorted(each) for each in own_seeds]
    spec = sweep(
        samplesPerLanguage=counts, controls=sorted(controls), seeds=sorted(seeds), axes=axes
    )
    points = sum(1 for _ in expand(spec))
    assert check_size(spec, points) == []
    assert not points or check_size(spec, points - 1)


# What only planning can count


def test_planning_stops_where_the_limit_is_reached() -> None:
    spec = sweep(axes={"train.learningRate": RATES})
    steps = len(plan(spec, LOCK).graph)
    assert len(plan(spec, LOCK, steps).graph) == steps
    with pytest.raises(TooManySteps) as caught:
        plan(spec, LOCK, 1000)
    (problem,) = caught.value.problems
    assert problem.path == "spec.sweeps"
    assert "more than the 1,000 that are allowed" in problem.message
    estimate = int(problem.message.split()[1].replace(",", ""))
    assert 0.9 * steps < estimate < 1.1 * steps


def test_the_last_step_counts_too() -> None:
    steps = len(plan(spec_of(small_spec()), LOCK).graph)
    with pytest.raises(TooManySteps, match="this study's steps are more than the"):
        plan(spec_of(small_spec()), LOCK, steps - 1)
