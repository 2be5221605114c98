"""Every rule of ``check``: what is wrong, at which field, in which words, and what to do."""
# ruff: noqa: E501 - messages stand whole

import pytest
from support.specs import small_spec, spec_of

from clt_operator.api.metrics import METRICS
from clt_operator.plan.check import check


def task(**changes):
    """The small study's task with parts replaced."""
    return {**small_spec()["tasks"][0], **changes}


def part(role, **changes):
    return {**small_spec()["tasks"][0][role], **changes}


def sweep(**changes):
    return {"sweeps": [{**small_spec()["sweeps"][0], **changes}]}


def languages(**changes):
    return {"languages": {**small_spec()["languages"], **changes}}


def contrast(k=10, **changes):
    return {"report": {"contrasts": [{"name": "c", "at": {"samplesPerLanguage": k}, **changes}]}}


def stage(**changes):
    base = {"name": "b", "model": "m", "tasks": ["t"], "languages": ["en"]}
    grown = {"name": "grown", "source": "stage:b"}
    models = [*small_spec()["models"], grown]
    return {"models": models, "stages": [{**base, **changes}]}


def model(**changes):
    return {"models": [{"name": "m", "source": "hf:org/m", **changes}]}


KNOWN = f"known: {', '.join(METRICS)}"

LANGUAGES = [
    (languages(pivot="xx"), "spec.languages.pivot: unknown language 'xx': did you mean"),
    (languages(mixes={"two": []}), "spec.languages.mixes.two: the mix is empty (list at least one"),
    (
        languages(mixes={"two": ["es", "en"]}),
        "spec.languages.mixes.two: the pivot 'en' is in the mix",
    ),
    (
        languages(mixes={"two": ["jp"]}),
        "spec.languages.mixes.two[0]: unknown language 'jp': did you mean 'ja' (Japanese)?",
    ),
    (languages(mixes={"two": ["es", "es"]}), "spec.languages.mixes.two[1]: 'es' is used twice"),
    (
        languages(mixes={"two": ["zho"]}),
        "spec.languages.mixes.two[0]: 'zho' is Chinese, called 'zh' here (write that)",
    ),
    (
        languages(evaluate=["es"]),
        "spec.languages.evaluate: the pivot 'en' is not evaluated (add it:",
    ),
    (languages(evaluate=["en", "en"]), "spec.languages.evaluate[1]: 'en' is used twice"),
    (languages(evaluate=["en", "xq"]), "spec.languages.evaluate[1]: unknown language 'xq'"),
]

MODELS = [
    (
        {"models": [*small_spec()["models"]] * 2},
        "spec.models[1].name: 'm' is used twice (list each once)",
    ),
    (
        model(source="org/m"),
        "spec.models[0].source: 'org/m' is no model source (write one of hf:…, file:…, s3:…, gguf:…, init:…, stage:…)",
    ),
    (model(source="hf:"), "spec.models[0].source: 'hf:' is no model source"),
    (model(source="stage:x"), "spec.models[0].source: no stage is called 'x' (there is none)"),
    (
        model(architecture={"layers": 1}),
        "spec.models[0].architecture: only models made here (init:…) have an architecture",
    ),
    (model(seed=3), "spec.models[0].seed: only models made here (init:…) have a seed"),
    (
        model(source="file:x", revision="r"),
        "spec.models[0].revision: only hub models (hf:…) have a revision",
    ),
    (stage(model="mm"), "spec.stages[0].model: no model is called 'mm' (did you mean 'm'?)"),
    (stage(tasks=["tt"]), "spec.stages[0].tasks[0]: no task is called 'tt' (did you mean 't'?)"),
    (stage(languages=["es", "qq"]), "spec.stages[0].languages[1]: unknown language 'qq'"),
    (stage(model="grown"), "spec.stages[0].model: the stage starts from itself: b from b"),
    (
        {"stages": stage()["stages"]},
        "spec.stages[0].name: no model is made of the stage 'b' (add a model with source: stage:b, or drop the stage)",
    ),
    (
        {
            **stage(),
            "tasks": [task(), {"name": "u", "test": part("test"), "metrics": ["chrf"]}],
            "stages": stage(tasks=["u"])["stages"],
        },
        "spec.stages[0].tasks[0]: task 'u' has no training rows (give it a train source)",
    ),
]

TASKS = [
    ({"tasks": [task(), task()]}, "spec.tasks[1].name: 't' is used twice"),
    (
        {"tasks": [task(train=part("train", source="train.jsonl"))]},
        "spec.tasks[0].train.source: 'train.jsonl' is no source of rows (write one of hf:…, jsonl:…,",
    ),
    (
        {"tasks": [task(train=part("train", columns={"prompt": "{q}"}))]},
        "spec.tasks[0].train.columns: no column is mapped to 'response' (add response: '{column of the source}')",
    ),
    (
        {"tasks": [task(test=part("test", columns={"prompt": "{q}"}))]},
        "spec.tasks[0].test.columns: no column is mapped to 'answer'",
    ),
    (
        {"tasks": [task(train=part("train", source="generator:g"))]},
        "spec.tasks[0].train.columns: a generator makes its own fields; leave columns out",
    ),
    (
        {"tasks": [task(train=part("train", arguments={"n": 1}))]},
        "spec.tasks[0].train.arguments: only generators take arguments",
    ),
    (
        {"tasks": [task(train=part("train", split="train"))]},
        "spec.tasks[0].train.split: only hub data sets (hf:…) have a split",
    ),
    (
        {"tasks": [task(train=part("train", config="x"))]},
        "spec.tasks[0].train.config: only hub data sets (hf:…) have a config",
    ),
    (
        {"tasks": [task(train=part("train", items=5))]},
        "spec.tasks[0].train.items: items says how many test items are used",
    ),
    (
        {"tasks": [task(train=part("train", languageNames={"xx": "y"}))]},
        "spec.tasks[0].train.languageNames.xx: unknown language 'xx'",
    ),
    (
        {"tasks": [task(test=part("test", provenance={"jp": "human"}))]},
        "spec.tasks[0].test.provenance.jp: unknown language 'jp'",
    ),
    (
        {"tasks": [task(train=part("train", columns={"prompt": "{q", "response": "{a}"}))]},
        "spec.tasks[0].train.columns.prompt: a brace stands alone in '{q' (write {{ or }}",
    ),
    (
        {"tasks": [{"name": "t", "metrics": ["chrf"]}]},
        "spec.tasks[0]: task 't' has neither train nor test (give it a source)",
    ),
    (
        {"tasks": [{**task(split={}), "train": None}]},
        "spec.tasks[0].split: split cuts the training source, and there is none",
    ),
    ({"tasks": [task(split={})]}, "spec.tasks[0].test: both test and split are given"),
    (
        {"tasks": [{**task(split={}), "test": None}]},
        "spec.tasks[0].train.columns: no column is mapped to 'answer'",
    ),
    (
        {"tasks": [task(testItems=5)]},
        "spec.tasks[0].testItems: testItems belongs to split (write test.items instead)",
    ),
    (
        {"tasks": [{**task(generation={"shots": 2}), "train": None}]},
        "spec.tasks[0].generation.shots: there are no rows for worked examples (add exemplars)",
    ),
    (
        {"tasks": [task(metrics=["exact"])]},
        "spec.tasks[0].metrics[0]: no metric is called 'exact' (did you mean 'exact_match'?)",
    ),
    (
        {"tasks": [task(metrics=["accuracy_of_it_all"])]},
        f"spec.tasks[0].metrics[0]: no metric is called 'accuracy_of_it_all' ({KNOWN})",
    ),
    ({"tasks": [task(metrics=["chrf", "chrf"])]}, "spec.tasks[0].metrics[1]: 'chrf' is used twice"),
    (
        {"tasks": [task(metrics=[])]},
        "spec.tasks[0].metrics: task 't' is tested but has no metric (name at least one of exact_match,",
    ),
    (
        {"tasks": [task(metricArguments={"chrf": {}})]},
        "spec.tasks[0].metricArguments.chrf: no metric is called 'chrf' (known: exact_match)",
    ),
    (
        {"tasks": [task(metrics=["gold_margin"], likelihood={"distractors": "column"})]},
        "spec.tasks[0].likelihood.distractors: the rows have no options of their own (map columns.options,",
    ),
    (
        {"tasks": [task(template={"prompt": "Q: {question}"})]},
        "spec.tasks[0].template.prompt: no field of jsonl:train.jsonl is called 'question' (known: prompt, response, id, item, language)",
    ),
    (
        {"tasks": [task(template={"response": "{}"})]},
        "spec.tasks[0].template.response: {} names no field in '{}'",
    ),
    ({"tasks": [task(templates={"xx": {}})]}, "spec.tasks[0].templates.xx: unknown language 'xx'"),
    (
        {"tasks": [task(templates={"ja": {"prompt": "{promt}"}})]},
        "spec.tasks[0].templates.ja.prompt: no field of jsonl:train.jsonl is called 'promt' (did you mean 'prompt'?)",
    ),
    (
        {"tasks": [{**task(split={"reference": "xx"}), "test": None}]},
        "spec.tasks[0].split.reference: unknown language 'xx'",
    ),
]

SWEEPS = [
    ({"sweeps": small_spec()["sweeps"] * 2}, "spec.sweeps[1].name: 's' is used twice"),
    ({"seeds": [1, 1]}, "spec.seeds[1]: '1' is used twice"),
    (sweep(seeds=[2, 2]), "spec.sweeps[0].seeds[1]: '2' is used twice"),
    (sweep(models=["n"]), "spec.sweeps[0].models[0]: no model is called 'n' (known: m)"),
    (sweep(tasks=["s"]), "spec.sweeps[0].tasks[0]: no task is called 's' (known: t)"),
    (sweep(tasks=["t", "t"]), "spec.sweeps[0].tasks[1]: 't' is used twice"),
    (sweep(mixes=["tow"]), "spec.sweeps[0].mixes[0]: no mix is called 'tow' (did you mean 'two'?)"),
    (
        {"tasks": [{**task(), "train": None}]},
        "spec.sweeps[0]: no task has both training and test rows (name the sweep's tasks)",
    ),
    (
        {**sweep(tasks=["t"]), "tasks": [{**task(), "train": None}]},
        "spec.sweeps[0].tasks[0]: task 't' has no training rows (leave it out:",
    ),
    (
        {
            "stages": stage()["stages"],
            "models": [{"name": "m", "source": "hf:org/m"}, {"name": "grown", "source": "stage:b"}],
            "sweeps": [{**small_spec()["sweeps"][0], "models": ["m", "grown", "m"]}],
        },
        "spec.sweeps[0].models[2]: 'm' is used twice",
    ),
    (
        sweep(samplesPerLanguage={"values": []}),
        "spec.sweeps[0].samplesPerLanguage: there is no value (give values, or a range that counts)",
    ),
    (
        sweep(samplesPerLanguage={"values": [1], "range": {"from": 9, "to": 1, "step": 1}}),
        "spec.sweeps[0].samplesPerLanguage.range: 'to' is below 'from'",
    ),
    (
        sweep(quotas={"ko": 1}),
        "spec.sweeps[0].quotas.ko: no language of the mixes is called 'ko' (known: es, ja)",
    ),
    (
        sweep(budget="substitutive", samplesPerLanguage={"values": [51]}),
        "spec.sweeps[0].samplesPerLanguage: k=51 with mix 'two' takes 2 rows more than the pivot's 100 (raise pivotSamples,",
    ),
    (
        sweep(controls=["token_matched"], unit="tokens"),
        "spec.sweeps[0].controls[0]: token_matched compares with mixtures counted in samples, not in tokens",
    ),
    (
        {**sweep(controls=["equal_steps"]), "train": {"steps": 7}},
        "spec.sweeps[0].controls[0]: train.steps gives every run 7 steps already",
    ),
    (
        {**sweep(controls=["equal_steps"]), "train": {"batchUnit": "tokens"}},
        "spec.sweeps[0].controls[0]: the steps of k=0 are known only for batches counted in rows",
    ),
    (
        sweep(controls=["equal_steps", "equal_steps"]),
        "spec.sweeps[0].controls[1]: 'equal_steps' is used twice",
    ),
    (
        sweep(include=[{"mixes": ["x"]}]),
        "spec.sweeps[0].include[0].mixes[0]: no mix is called 'x' (known: two)",
    ),
    (
        sweep(exclude=[{"samplesPerLanguage": [30]}]),
        "spec.sweeps[0].exclude[0].samplesPerLanguage[0]: no run of the sweep has 30",
    ),
    (
        sweep(exclude=[{"seeds": [1]}]),
        "spec.sweeps[0].exclude[0].seeds[0]: no run of the sweep has 1",
    ),
    (
        sweep(exclude=[{"controls": ["equal_step"]}]),
        "spec.sweeps[0].exclude[0].controls[0]: no control is called 'equal_step' (did you mean 'equal_steps'?)",
    ),
    (
        sweep(exclude=[{"axes": {"train.epochs": [1]}}]),
        "spec.sweeps[0].exclude[0].axes.train.epochs: no axis of this sweep is called 'train.epochs' (there is none)",
    ),
    (
        sweep(include=[{"samplesPerLanguage": [0]}], exclude=[{"mixes": ["two"]}]),
        "spec.sweeps[0]: include and exclude leave no run (change the filters)",
    ),
    (
        {"train": {"select": "mixture_loss"}},
        "spec.train.select: 'mixture_loss' needs validation rows (set validationItems above 0, or select: last)",
    ),
    (
        {"train": {"adapter": {"r": 8}}},
        "spec.train.adapter: full training has no adapter (write method: adapter, or leave it",
    ),
    (
        stage(train={"select": "pivot_loss"}),
        "spec.stages[0].train.select: 'pivot_loss' needs validation rows",
    ),
    (
        {"seeds": [0, 1], "seedPolicy": {"subset": "fixed", "order": "fixed", "init": "fixed"}},
        "spec.seeds: seedPolicy fixes everything: the 2 seeds are one run",
    ),
]

AXES = [
    (
        sweep(axes={"train.epochs": []}),
        "spec.sweeps[0].axes.train.epochs: the axis has no values (list at least one)",
    ),
    (
        sweep(axes={"train.epochs": [1, 1]}),
        "spec.sweeps[0].axes.train.epochs[1]: '1' is used twice",
    ),
    (
        sweep(axes={"train.epoch": [1]}),
        "spec.sweeps[0].axes.train.epoch: 1: there is no field 'epoch' (did you mean 'epochs'?)",
    ),
    (
        sweep(axes={"train.epochs": [0]}),
        "spec.sweeps[0].axes.train.epochs: 0: epochs must be more than 0.0, is 0",
    ),
    (
        sweep(axes={"tasks.t.metrics": [["chrf"], ["chr"]]}),
        "spec.sweeps[0].axes.tasks.t.metrics: [\"chr\"]: spec.tasks[0].metrics[0]: no metric is called 'chr' (did you mean 'chrf'?)",
    ),
    (
        sweep(axes={"sweep.mixes": [["x"]]}),
        "spec.sweeps[0].axes.sweep.mixes: [\"x\"]: spec.sweeps[0].mixes[0]: no mix is called 'x' (known: two)",
    ),
    (
        sweep(axes={"models.m.source": ["nowhere"]}),
        "spec.sweeps[0].axes.models.m.source: nowhere: spec.models[0].source: 'nowhere' is no model source",
    ),
    (
        sweep(axes={"train.select": ["mixture_loss"], "train.epochs": [1, 2]}),
        "spec.train.select: 'mixture_loss' needs validation rows",
    ),
    (
        sweep(axes={"sweep.budget": ["additive", "substitutive"], "sweep.pivotSamples": [30]}),
        "spec.sweeps[0].samplesPerLanguage: k=20 with mix 'two' takes 10 rows more than the pivot's 30",
    ),
]

REPORTS = [
    (
        contrast(k=30),
        "spec.report.contrasts[0].at.samplesPerLanguage: no run has k=30 (the sweep has 0, 10, 20)",
    ),
    (contrast(k=0), "spec.report.contrasts[0].at.samplesPerLanguage: k=0 is the baseline itself"),
    (contrast(sweep="r"), "spec.report.contrasts[0].sweep: no sweep is called 'r' (known: s)"),
    (
        contrast(languages="pt"),
        "spec.report.contrasts[0].languages: no group or language is called 'pt'",
    ),
    (
        {**contrast(), **sweep(samplesPerLanguage={"values": [10, 20]})},
        "spec.report.baseline.samplesPerLanguage: no sweep has the baseline k=0 (add it",
    ),
    (
        {**contrast(), **sweep(exclude=[{"samplesPerLanguage": [10]}])},
        "spec.report.contrasts[0].at.samplesPerLanguage: no run has k=10 (the sweep has 0, 20)",
    ),
    (
        {
            **contrast(k=5),
            "sweeps": [
                small_spec()["sweeps"][0],
                {**small_spec()["sweeps"][0], "name": "r", "samplesPerLanguage": {"values": [5]}},
            ],
        },
        "spec.report.contrasts[0].at.samplesPerLanguage: no sweep has both k=5 and the baseline k=0 (add the baseline",
    ),
]

RULES = [*LANGUAGES, *MODELS, *TASKS, *SWEEPS, *AXES, *REPORTS]


@pytest.mark.parametrize(("change", "message"), RULES, ids=[m[:70] for _, m in RULES])
def test_a_mistake_is_found_at_its_field(change, message):
    found = [str(problem) for problem in check(spec_of({**small_spec(), **change}))]
    assert any(text.startswith(message) for text in found), found


def test_the_small_study_has_no_mistakes(small):
    assert check(spec_of(small)) == []


def test_all_mistakes_are_told_at_once(small):
    small |= languages(pivot="xx", mixes={"two": []}) | model(source="nowhere")
    small["tasks"] = [task(metrics=["nothing"])]
    paths = {problem.path for problem in check(spec_of(small))}
    assert paths >= {
        "spec.languages.pivot",
        "spec.languages.mixes.two",
        "spec.models[0].source",
        "spec.tasks[0].metrics[0]",
    }


def test_text_beside_doubled_braces_is_no_field(small):
    small["tasks"] = [task(template={"prompt": "{{json}} {prompt|strip}"})]
    assert check(spec_of(small)) == []


def test_fields_of_the_source_that_are_mapped_may_be_named(small):
    data = {"prompt": "{q}", "response": "{a}", "answer": "{a}", "hint": "{h}"}
    changed = task(template={"prompt": "{prompt} ({hint})"})
    changed["train"]["columns"] = changed["test"]["columns"] = data
    small["tasks"] = [changed]
    assert check(spec_of(small)) == []


def test_seeds_that_only_sample_are_seeds(small):
    small |= {
        "seeds": [0, 1],
        "seedPolicy": {"subset": "fixed", "order": "fixed", "init": "fixed"},
        "tasks": [task(generation={"temperature": 0.7})],
    }
    assert check(spec_of(small)) == []
