"""Axes: any field of the spec by its path; a value that does not fit says why."""

import pytest
from support.specs import spec_of

from clt_operator.plan.axes import AxisError, apply_axes, combinations, text_of


def applied(spec, path, value):
    made = spec_of(spec)
    return apply_axes(made, made.sweeps[0], {path: value})


def test_combinations_vary_the_last_axis_fastest(small):
    small["sweeps"][0]["axes"] = {"train.epochs": [1, 2], "train.batchSize": [8, 16]}
    found = [tuple(c.values()) for c in combinations(spec_of(small).sweeps[0])]
    assert found == [(1, 8), (1, 16), (2, 8), (2, 16)]


@pytest.mark.parametrize(
    ("path", "value", "seen"),
    [
        ("train.learningRate", 2e-5, lambda spec, _: spec.train.learning_rate),
        ("seedPolicy.order", "fixed", lambda spec, _: spec.seed_policy.order),
        ("models.m.revision", "abc", lambda spec, _: spec.models[0].revision),
        ("tasks.t.generation.shots", 4, lambda spec, _: spec.tasks[0].generation.shots),
        ("tasks.t.test.items", 9, lambda spec, _: spec.tasks[0].test.items),
        ("tasks.t.metrics", ["chrf"], lambda spec, _: spec.tasks[0].metrics),
        ("sweep.pivotSamples", 7, lambda _, sweep: sweep.pivot_samples),
        ("sweep.quotas.es", 3, lambda _, sweep: sweep.quotas["es"]),
        (
            "train.objectiveParameters.alpha",
            0.5,
            lambda s, _: s.train.objective_parameters["alpha"],
        ),
        ("train.adapter.r", 8, lambda spec, _: spec.train.adapter["r"]),
    ],
)
def test_a_path_sets_one_field_and_nothing_else(small, path, value, seen):
    spec, sweep = applied(small, path, value)
    assert seen(spec, sweep) == value
    before = spec_of(small)
    changed = [
        name for name in type(spec).model_fields if getattr(spec, name) != getattr(before, name)
    ]
    section = path.split(".")[0].replace("seedPolicy", "seed_policy")
    assert changed == ([] if section == "sweep" else [section])


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("train.learnRate", 1, "there is no field 'learnRate' (did you mean 'learningRate'?)"),
        ("train", 1, "a path starts with one of train, models, tasks, stages, seedPolicy, sweep"),
        ("report.title", "x", "a path starts with one of train, models,"),
        ("train.learningRate", -1, "learningRate must be more than 0.0, is -1"),
        ("train.learningRate", "1e-5", "learningRate must be a number, is '1e-5'"),
        ("train.batchSize", 1.5, "batchSize must be a whole number, is the number 1.5"),
        (
            "train.schedule",
            "cosin",
            "must be one of: constant, linear, cosine (did you mean 'cosine'",
        ),
        ("tasks.u.maxLength", 1, "'u' is none of t, with a field after it"),
        ("tasks.t", 1, "'t' is none of t, with a field after it"),
        ("tasks.t.split.threshold", 0.5, "'split' holds no field 'threshold' here"),
        ("tasks.t.train.source.x", 1, "'source' holds no field 'x' here"),
        ("tasks.t.name", "u", "'name' cannot be an axis"),
        ("sweep.axes", {}, "'axes' cannot be an axis"),
        ("stages.base.samples", 1, "'base' is none of (there is nothing), with"),
    ],
)
def test_what_does_not_fit_is_said_in_the_words_of_the_spec(small, path, value, message):
    with pytest.raises(AxisError) as raised:
        applied(small, path, value)
    assert message in str(raised.value)


def test_values_are_shown_as_a_spec_writes_them():
    assert [text_of(v) for v in ("a", 1e-5, True, [1], None)] == [
        "a",
        "1e-05",
        "true",
        "[1]",
        "null",
    ]
