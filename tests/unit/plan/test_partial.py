"""A partial report: what depends on a failed step is listed as missing, with its reason."""

import pytest
from support.specs import LOCK, spec_of

from clt_operator.plan.build import plan
from clt_operator.plan.partial import partial_graph


@pytest.fixture
def found(small):
    return plan(spec_of(small), LOCK)


def first(found, kind, **labels):
    return next(
        s for s in found.graph if s.kind == kind and labels.items() <= dict(s.labels).items()
    )


def collected(graph):
    return next(step for step in graph if step.kind == "collect")


def missing(graph):
    return {
        (cell.training, cell.language): cell.missing
        for cell in collected(graph).params.cells
        if cell.missing
    }


def test_a_failed_training_takes_its_own_cells_along_and_no_others(found):
    failed = found.trainings[1]
    graph = partial_graph(found, LOCK, {failed: "the disk is full"})
    assert missing(graph) == {
        (failed, code): "the disk is full" for code in ("en", "es", "ja", "ar")
    }
    assert len(collected(graph).params.cells) == len(found.cells)


def test_one_failed_cell_is_the_only_one_missing(found):
    step = first(found, "generate", language="ar")
    graph = partial_graph(found, LOCK, {step.key: "no rows"})
    assert list(missing(graph).values()) == ["no rows"]


def depending(found, key):
    """The step itself and all that needs it."""
    gone = {key}
    for step in found.graph:  # inputs come first
        if any(entry.key in gone for entry in step.inputs):
            gone.add(step.key)
    return gone


def test_the_report_reads_nothing_that_will_not_come(found):
    failed = found.trainings[1]
    graph = partial_graph(found, LOCK, {failed: "x"})
    report = graph.steps[graph.targets[0]]
    read = {entry.key for entry in (*collected(graph).inputs, *report.inputs)}
    assert not read & depending(found, failed)
    kept = {entry.name for entry in report.inputs if entry.name.startswith("training/")}
    assert kept == {f"training/{key}" for key in found.trainings if key != failed}


def test_failed_data_is_not_counted_in_the_report(found):
    failed = first(found, "prepare", language="ja")
    graph = partial_graph(found, LOCK, {failed.key: "no rows"})
    report = graph.steps[graph.targets[0]]
    names = {entry.name.rsplit("/", 1)[0] for entry in report.inputs if "counts" in entry.name}
    assert names == {"counts/t/en", "counts/t/es"}
    assert {training for training, _ in missing(graph)} == set(found.trainings[1:])


def test_the_report_is_another_one_and_all_else_keeps_its_key(found):
    graph = partial_graph(found, LOCK, {found.trainings[1]: "x"})
    new = [step.kind for key, step in graph.steps.items() if key not in found.graph.steps]
    assert new == ["collect", "report"]
    assert graph.targets != found.graph.targets


def test_where_everything_failed_a_report_says_so(found):
    failed = first(found, "fetch", model="m")
    graph = partial_graph(found, LOCK, {failed.key: "no such model"})
    assert len(missing(graph)) == len(found.cells)
    assert collected(graph).inputs == ()
