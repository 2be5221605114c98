"""What is the same is computed once: over mixes, sweeps, seeds, and over whole studies."""

from collections import Counter

from support.specs import LOCK, spec_of

from clt_operator.plan.build import plan


def planned(data):
    return plan(spec_of(data), LOCK)


def test_k_0_of_every_mix_is_one_training(small):
    small["languages"]["mixes"] = {"two": ["es", "ja"], "one": ["es"], "all": ["es", "ja", "ar"]}
    found = planned(small)
    at_zero = {key for p, key in zip(found.points, found.trainings, strict=True) if p.k == 0}
    assert len(at_zero) == 1
    assert found.counts["runs"] == 9
    assert found.counts["trainings"] == 7


def test_k_0_keeps_the_declared_mix_in_the_report(small):
    small["languages"]["mixes"] = {"two": ["es", "ja"], "one": ["es"]}
    shown = [p for p in planned(small).report.points if p.k == 0]
    assert {(p.mix, tuple(p.languages)) for p in shown} == {("two", ("es", "ja")), ("one", ("es",))}
    assert len({p.training for p in shown}) == 1


def test_a_control_that_amounts_to_the_same_mixture_is_shared_by_mixes(small):
    small["languages"]["mixes"] = {"latin": ["es", "pt"], "nonlatin": ["ja", "ko"]}
    small["sweeps"][0]["controls"] = ["pivot_matched"]
    found = planned(small)
    places = Counter(
        key
        for p, key in zip(found.points, found.trainings, strict=True)
        if p.control == "pivot_matched"
    )
    assert set(places.values()) == {2}


def test_the_order_in_which_a_mix_is_declared_decides_nothing(small):
    before = set(planned(small).trainings)
    small["languages"]["mixes"] = {"renamed": ["ja", "es"]}
    assert set(planned(small).trainings) == before


def test_two_studies_share_their_baseline_and_their_data(small):
    one = planned(small)
    other = {**small, "report": {"title": "Another"}}
    other["languages"] = {**small["languages"], "mixes": {"korean": ["ko"]}}
    two = planned(other)
    shared = {one.graph.steps[key].kind for key in set(one.graph.steps) & set(two.graph.steps)}
    assert shared == {"fetch", "prepare", "train", "generate", "score"}
    baseline = {key for p, key in zip(one.points, one.trainings, strict=True) if p.k == 0}
    assert set(one.trainings) & set(two.trainings) == baseline


def test_inputs_come_before_the_steps_that_read_them(reference):
    seen = set()
    for step in planned(reference).graph:
        assert all(entry.key in seen for entry in step.inputs)
        seen.add(step.key)


def test_the_report_reaches_every_step(reference):
    graph = planned(reference).graph
    reached, stack = set(), list(graph.targets)
    while stack:
        key = stack.pop()
        if key not in reached:
            reached.add(key)
            stack += [entry.key for entry in graph.steps[key].inputs]
    assert reached == set(graph.steps)


def test_rows_are_fetched_and_prepared_once_per_language(small):
    kinds = Counter(step.kind for step in planned(small).graph)
    # train rows in en es ja, test rows in four languages, the model; tokens of en es ja
    assert kinds["fetch"] == 3 + 4 + 1
    assert kinds["prepare"] == 3


def test_metrics_that_read_the_same_records_share_them(small):
    small["tasks"][0]["metrics"] = ["exact_match", "chrf", "gold_margin", "choice_accuracy"]
    kinds = Counter(step.kind for step in planned(small).graph)
    cells = 3 * 4
    assert kinds["generate"] == cells
    assert kinds["likelihood"] == cells
    assert kinds["score"] == 4 * cells
