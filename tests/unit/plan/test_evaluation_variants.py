"""One training evaluated in several ways gives cells of their own; greedy seeds do not."""

import pytest
from support.specs import LOCK, spec_of

from clt_operator.plan.build import plan


def planned(data):
    return plan(spec_of(data), LOCK)


def generations(found):
    return [step for step in found.graph if step.kind == "generate"]


def test_an_axis_over_a_tasks_evaluation_trains_once_and_evaluates_twice(small):
    small["sweeps"][0]["axes"] = {"tasks.t.generation.maxNewTokens": [8, 16]}
    found = planned(small)
    assert found.counts["runs"] == 6
    assert found.counts["trainings"] == 3
    assert found.counts["cells"] == 2 * 3 * 4
    assert {step.params.max_new_tokens for step in generations(found)} == {8, 16}
    names = {cell.training for cell in found.cells}
    assert {name.partition("~")[0] for name in names} == set(found.trainings)
    assert len(names) == 6


def test_an_axis_over_training_names_cells_by_the_training_alone(small):
    small["sweeps"][0]["axes"] = {"train.learningRate": [1e-5, 2e-5]}
    found = planned(small)
    assert {cell.training for cell in found.cells} == set(found.trainings)


@pytest.mark.parametrize(("temperature", "evaluations"), [(0.0, 1), (0.7, 2)])
def test_the_decode_seed_counts_only_where_answers_are_sampled(small, temperature, evaluations):
    small["seeds"] = [0, 1]
    small["seedPolicy"] = {"subset": "fixed", "order": "fixed", "init": "fixed"}
    small["tasks"][0]["generation"] = {"temperature": temperature}
    found = planned(small)
    assert found.counts["trainings"] == 3
    assert len({p.training for p in found.report.points}) == 3 * evaluations
    assert len(generations(found)) == 3 * 4 * evaluations


def test_worked_examples_come_from_the_language_itself_or_from_the_pivot(small):
    for choice, sources in (("native", {"en", "es", "ja", "ar"}), ("pivot", {"en"})):
        small["tasks"][0]["generation"] = {"shots": 2, "exemplarLanguage": choice}
        graph = planned(small).graph
        shots = [
            e.key for s in graph if s.kind == "generate" for e in s.inputs if e.name == "shots"
        ]
        assert {graph.steps[key].labels["language"] for key in shots} == sources


def test_tasks_that_are_only_tested_are_evaluated_on_every_run(small):
    extra = {**small["tasks"][0], "name": "u"}
    del extra["train"]
    small["tasks"].append(extra)
    found = planned(small)
    assert found.counts["evaluations"] == 3 * 2
    assert [task.name for task in found.report.tasks] == ["t", "u"]


def test_a_split_serves_both_parts_from_one_fetch(small):
    task = small["tasks"][0]
    del task["test"]
    task["train"]["columns"]["answer"] = "{a}"
    task |= {"split": {"by": "cluster", "reference": "es"}, "testItems": 10}
    graph = planned(small).graph
    splits = {
        s.labels["language"]: s
        for s in graph
        if s.kind == "derive" and s.params.operation == "split"
    }
    (clusters,) = [s for s in graph if s.kind == "derive" and s.params.operation == "cluster"]
    assert set(splits) == {"en", "es", "ja", "ar"}
    assert clusters.labels["language"] == "es"
    for step in splits.values():
        assert {entry.name for entry in step.inputs} == {"rows", "clusters"}
    read = {
        (entry.key, entry.output)
        for s in graph
        if s.kind == "generate"
        for entry in s.inputs
        if entry.name == "rows"
    }
    assert read == {(step.key, "test") for step in splits.values()}
    trained = {e.output for s in graph if s.kind == "prepare" for e in s.inputs if e.name == "rows"}
    assert trained == {"train"}
    assert {step.params.items for step in generations(planned(small))} == {10}
