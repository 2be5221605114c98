"""A sweep's grid as points: how many rows of what each run is trained on, and which are left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.specs import LOCK, small_spec, spec_of

from clt_operator.plan.build import plan
from clt_operator.plan.sweeps import expand, seeds_of


def points(spec, **sweep):
    spec["sweeps"][0] |= sweep
    return list(expand(spec_of(spec)))


def rows(point):
    """Rows by language of a run on the only task."""
    return {language: count for _, language, count in point.quotas}


def test_additive_k_comes_on_top_of_the_pivots_rows(small):
    found = points(small, budget="additive")
    assert [rows(p) for p in found] == [
        {"en": 100},
        {"en": 100, "es": 10, "ja": 10},
        {"en": 100, "es": 20, "ja": 20},
    ]


def test_substitutive_the_total_stays(small):
    found = points(small, budget="substitutive")
    assert [rows(p)["en"] for p in found] == [100, 80, 60]
    assert {sum(rows(p).values()) for p in found} == {100}


@given(
    k=st.integers(0, 200),
    pivot=st.integers(1, 500),
    factor=st.floats(0, 10, allow_nan=False),
    fixed=st.integers(0, 50),
    budget=st.sampled_from(["additive", "substitutive"]),
)
def test_quotas_are_arithmetic_of_k(k, pivot, factor, fixed, budget):
    spec = small_spec()
    spec["languages"]["mixes"] = {"three": ["es", "ja", "ko"]}
    sweep = {
        "pivotSamples": pivot,
        "samplesPerLanguage": {"values": [k]},
        "scale": {"ja": factor},
        "quotas": {"ko": fixed},
        "budget": budget,
    }
    (point,) = points(spec, **sweep)
    wanted = {"es": k, "ja": round(k * factor), "ko": fixed if k else 0}
    taken = sum(wanted.values()) if budget == "substitutive" else 0
    wanted["en"] = pivot - taken
    assert rows(point) == {language: count for language, count in wanted.items() if count}


def test_a_fixed_quota_counts_above_k_0_only(small):
    found = points(small, quotas={"ja": 7})
    assert [rows(p).get("ja", 0) for p in found] == [0, 7, 7]


def test_a_range_includes_its_end_and_repeats_are_dropped(small):
    counts = {"values": [0, 5], "range": {"from": 0, "to": 10, "step": 5}}
    assert [p.k for p in points(small, samplesPerLanguage=counts)] == [0, 5, 10]


def two_tasks(spec):
    spec["tasks"].append({**spec["tasks"][0], "name": "u"})
    return spec


def test_each_trains_one_model_per_task_and_joint_one_on_all(small):
    each = points(two_tasks(small), taskMode="each")
    assert [p.tasks for p in each] == [("t",)] * 3 + [("u",)] * 3
    joint = points(small, taskMode="joint")
    assert [p.tasks for p in joint] == [("t", "u")] * 3
    assert joint[1].quotas == (
        ("t", "en", 100),
        ("t", "es", 10),
        ("t", "ja", 10),
        ("u", "en", 100),
        ("u", "es", 10),
        ("u", "ja", 10),
    )


def test_tasks_without_a_test_part_are_not_swept_by_default(small):
    del small["tasks"][0]["test"]
    small["tasks"].append({**small_spec()["tasks"][0], "name": "u"})
    assert {p.tasks for p in points(small)} == {("u",)}


def test_models_that_stages_start_from_are_not_swept_by_default(small):
    small["models"] += [{"name": "grown", "source": "stage:base"}]
    small["stages"] = [
        {"name": "base", "model": "m", "tasks": ["t"], "languages": ["en"], "samples": 5}
    ]
    assert {p.model for p in points(small)} == {"grown"}
    assert {p.model for p in points(small, models=["m", "grown"])} == {"m", "grown"}


# controls


def test_controls_are_further_runs_above_k_0(small):
    controls = ["pivot_matched", "equal_steps", "token_matched"]
    found = points(small, controls=controls)
    assert [(p.k, p.control) for p in found] == [
        (0, ""),
        *((k, control) for k in (10, 20) for control in ("", *controls)),
    ]


def train_params(spec, **sweep):
    spec["sweeps"][0] |= sweep
    found = plan(spec_of(spec), LOCK)
    return {
        (p.k, p.control): found.graph.steps[key].params
        for p, key in zip(found.points, found.trainings, strict=True)
    }


def quotas_of(params):
    return {part.language: part.quota for part in params.mixture.components}


def test_pivot_matched_is_the_pivot_alone_with_as_many_rows(small):
    found = train_params(small, controls=["pivot_matched"])
    assert quotas_of(found[10, "pivot_matched"]) == {"en": 120}
    assert quotas_of(found[20, "pivot_matched"]) == {"en": 140}


def test_equal_steps_takes_as_many_steps_as_k_0_on_the_full_mixture(small):
    small["train"] = {"batchSize": 16, "epochs": 2}
    found = train_params(small, controls=["equal_steps"])
    assert found[0, ""].steps == 0  # two passes over 100 rows: 12.5, so 13 steps
    assert found[20, "equal_steps"].steps == 13
    assert quotas_of(found[20, "equal_steps"]) == quotas_of(found[20, ""])


def test_token_matched_scales_the_mixture_to_the_tokens_of_k_0(small):
    found = train_params(small, controls=["token_matched"])
    match = found[20, "token_matched"].mixture.match
    assert (match.unit, match.quotas) == ("supervised_tokens", {"t/en": 100})
    assert found[20, ""].mixture.match is None


# filters


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        ({"include": [{"samplesPerLanguage": [0, 20]}]}, [0, 20]),
        ({"exclude": [{"samplesPerLanguage": [20]}]}, [0, 10]),
        ({"include": [{"samplesPerLanguage": [0]}, {"samplesPerLanguage": [10]}]}, [0, 10]),
        ({"include": [{"samplesPerLanguage": [0, 10]}], "exclude": [{"mixes": ["two"]}]}, []),
        ({"exclude": [{"samplesPerLanguage": [10], "models": ["other"]}]}, [0, 10, 20]),
        ({"exclude": [{"tasks": ["t"], "samplesPerLanguage": [0]}]}, [10, 20]),
    ],
)
def test_include_keeps_what_matches_one_rule_and_exclude_drops(small, rules, left):
    assert [p.k for p in points(small, **rules)] == left


def test_filters_see_seeds_controls_and_axes(small):
    small["seeds"] = [0, 1]
    axes = {"train.learningRate": [1e-5, 2e-5]}
    controls = ["pivot_matched"]
    all_of_them = points(small, axes=axes, controls=controls)
    assert len(all_of_them) == 2 * 2 * 5
    only = [{"seeds": [1], "controls": [""], "axes": {"train.learningRate": [2e-5]}}]
    left = points(small, axes=axes, controls=controls, include=only)
    assert [(p.k, p.seed, p.control) for p in left] == [(0, 1, ""), (10, 1, ""), (20, 1, "")]
    assert {p.setting.spec.train.learning_rate for p in left} == {2e-5}


def test_a_filter_on_a_task_drops_joint_runs_only_where_it_names_all_their_tasks(small):
    two_tasks(small)
    assert points(small, taskMode="joint", exclude=[{"tasks": ["t"]}])
    assert not points(small, taskMode="joint", exclude=[{"tasks": ["t", "u"]}])


# seeds


def test_every_run_is_repeated_for_every_seed_and_a_sweep_may_have_its_own(small):
    small["seeds"] = [3, 5]
    assert [p.seed for p in points(small)] == [3, 5] * 3
    assert {p.seed for p in points(small, seeds=[9])} == {9}


def test_the_same_seed_is_paired_in_every_cell_and_fixed_parts_stay(small):
    small["seeds"] = [3, 5]
    small["seedPolicy"] = {"subset": "fixed"}
    policy = spec_of(small).seed_policy
    seeds = seeds_of(5, policy)
    assert (seeds.subset, seeds.order, seeds.init, seeds.decode) == (0, 5, 5, 5)
    found = plan(spec_of(small), LOCK)
    for point, key in zip(found.points, found.trainings, strict=True):
        params = found.graph.steps[key].params
        assert (params.mixture.subset_seed, params.mixture.order_seed) == (0, point.seed)
        assert params.init_seed == point.seed


# untrained


def test_the_untrained_model_is_one_more_point_per_task_group(small):
    small["seeds"] = [0, 1]
    small["sweeps"][0]["untrained"] = True
    found = plan(spec_of(small), LOCK)
    untrained = [p for p in found.report.points if p.control == "untrained"]
    fetch = next(s for s in found.graph if s.kind == "fetch" and s.labels.get("model") == "m")
    assert [(p.training, p.mix, p.k, p.languages) for p in untrained] == [(fetch.key, "", 0, [])]
    cells = [cell for cell in found.cells if cell.training == fetch.key]
    assert [cell.language for cell in cells] == ["en", "es", "ja", "ar"]


def test_the_untrained_model_is_evaluated_as_every_combination_of_axes_evaluates(small):
    axes = {"tasks.t.generation.maxNewTokens": [8, 16]}
    small["sweeps"][0] |= {"untrained": True, "axes": axes}
    found = plan(spec_of(small), LOCK)
    untrained = [p for p in found.report.points if p.control == "untrained"]
    assert [p.coordinates for p in untrained] == [{next(iter(axes)): v} for v in ("8", "16")]
    assert len({p.training for p in untrained}) == 2
    assert {c.training for c in found.cells} >= {p.training for p in untrained}
