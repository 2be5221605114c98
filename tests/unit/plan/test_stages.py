"""Models trained by stages of the same experiment, and what follows from where they start."""

from support.specs import LOCK, spec_of

from clt_operator.plan.build import plan

STAGE = {"name": "base", "model": "m", "tasks": ["t"], "languages": ["en", "ko"], "samples": 5}


def staged(small, *stages):
    small["stages"] = list(stages) or [STAGE]
    small["models"] += [
        {"name": s["name"] + "-model", "source": f"stage:{s['name']}"} for s in small["stages"]
    ]
    return small


def planned(data):
    return plan(spec_of(data), LOCK)


def by_label(graph, **labels):
    return [s for s in graph if labels.items() <= {"kind": s.kind, **s.labels}.items()]


def reading(step, name):
    return next((entry.key, entry.output) for entry in step.inputs if entry.name == name)


def test_a_run_starts_from_the_checkpoint_that_the_stage_selected(small):
    graph = planned(staged(small)).graph
    (stage,) = by_label(graph, kind="train", stage="base")
    runs = [s for s in by_label(graph, kind="train") if s.key != stage.key]
    assert len(runs) == 3
    assert {reading(run, "model") for run in runs} == {(stage.key, "checkpoint/selected")}


def test_a_stage_trains_on_its_own_tasks_languages_and_settings(small):
    graph = planned(staged(small, {**STAGE, "train": {"steps": 9}, "seed": 4})).graph
    (stage,) = by_label(graph, kind="train", stage="base")
    parts = {(p.task, p.language, p.quota) for p in stage.params.mixture.components}
    assert parts == {("t", "en", 5), ("t", "ko", 5)}
    assert stage.params.steps == 9
    assert stage.params.mixture.subset_seed == stage.params.mixture.order_seed == 4


def test_the_tokenizer_is_that_of_the_model_at_the_root_of_the_chain(small):
    """Training changes weights, not tokens: every preparation of the chain is shared."""
    second = {**STAGE, "name": "more", "model": "base-model", "languages": ["es"]}
    graph = planned(staged(small, STAGE, second)).graph
    (root,) = by_label(graph, kind="fetch", model="m")
    prepared = by_label(graph, kind="prepare")
    assert {reading(step, "tokenizer") for step in prepared} == {(root.key, "tokenizer")}
    assert len(prepared) == 4  # en, es, ja of the sweep, ko of the first stage


def test_stages_chain(small):
    second = {**STAGE, "name": "more", "model": "base-model", "languages": ["es"]}
    graph = planned(staged(small, STAGE, second)).graph
    (first,) = by_label(graph, kind="train", stage="base")
    (then,) = by_label(graph, kind="train", stage="more")
    runs = [s for s in by_label(graph, kind="train") if "stage" not in s.labels]
    assert reading(then, "model") == (first.key, "checkpoint/selected")
    assert {reading(run, "model") for run in runs} == {(then.key, "checkpoint/selected")}


def test_no_samples_means_every_row_that_there_is(small):
    del (stage := dict(STAGE))["samples"]
    graph = planned(staged(small, stage)).graph
    (made,) = by_label(graph, kind="train", stage="base")
    assert all(part.everything and part.quota == 0 for part in made.params.mixture.components)


def test_a_stages_hyper_parameter_changes_the_stage_and_all_that_follows(small):
    before = planned(staged(small)).graph
    small["stages"][0] = {**STAGE, "train": {"learningRate": 1e-3}}
    after = planned(small).graph
    kept = {before.steps[key].kind for key in set(before.steps) & set(after.steps)}
    assert kept == {"fetch", "prepare"}


def test_a_fresh_model_knows_the_characters_of_the_rows_that_its_stages_train_on(small):
    small["models"][0] = {"name": "m", "source": "init:llama", "architecture": {"layers": 1}}
    graph = planned(staged(small)).graph
    (made,) = by_label(graph, kind="fetch", model="m")
    texts = {graph.steps[entry.key].labels["language"] for entry in made.inputs}
    assert texts == {"en", "ko"}


def test_a_fresh_model_without_stages_knows_those_of_the_sweeps(small):
    small["models"][0] = {"name": "m", "source": "init:llama", "architecture": {"layers": 1}}
    graph = planned(small).graph
    (made,) = by_label(graph, kind="fetch", model="m")
    assert {graph.steps[entry.key].labels["language"] for entry in made.inputs} == {
        "en",
        "es",
        "ja",
    }


def test_stages_that_nothing_is_trained_from_are_not_run(small):
    small["stages"] = [STAGE]
    small["sweeps"][0]["models"] = ["m"]
    assert not by_label(planned(small).graph, stage="base")
