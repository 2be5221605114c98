"""Rules that need two values to be seen: refused at admission in the words of ``cltctl plan``."""

from collections import Counter

import pytest
from cluster.harness.experiments import manifest
from pydantic import ValidationError
from support.specs import hub_spec, reference_spec

from clt_operator.api.crd import crd
from clt_operator.api.crd.rules import RULES
from clt_operator.api.profiles import Profiles
from clt_operator.api.spec import Experiment
from clt_operator.api.spec_problems import problems_of
from clt_operator.cluster.errors import Invalid
from clt_operator.cluster.resources import EXPERIMENTS
from clt_operator.plan.check import check

DATA = {"source": "hf:org/rows", "columns": {"prompt": "{q}", "response": "{a}", "answer": "{a}"}}
PROFILES = "stores: {research: {uri: 's3://research/clt', default: true}}"
GENERATOR = {"source": "generator:sums"}
GROWN = {"name": "grown", "source": "stage:base"}
STAGE = {"name": "base", "model": "m", "tasks": ["t"], "languages": ["en"]}
TESTED = {"name": "u", "test": DATA, "metrics": ["chrf"]}


def changed(changes):
    """A good spec with fields set, by their paths: ``tasks.0.train.split``."""
    spec = hub_spec()
    for path, value in changes.items():
        *above, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        at = spec
        for part in above:
            at = at[part] if isinstance(at, list) else at.setdefault(part, {})
        if isinstance(at, list) and last == len(at):
            at.append(value)
        else:
            at[last] = value
    return spec


def staged(**stage):
    return {"models.1": GROWN, "stages": [{**STAGE, **stage}]}


def contrast(k=10, **fields):
    return {"report.contrasts": [{"name": "c", "at": {"samplesPerLanguage": k}, **fields}]}


# By place: a rule's own message, a bad spec, and what is said of it here and by ``plan``.
TABLE = {
    "ExperimentSpec": [
        ("no stage is called so", {"models.0.source": "stage:x"}, "no stage is called 'x'"),
        ("no model is called so", staged(model="mm"), "no model is called 'mm'"),
        (
            "no model is made of the stage",
            {"stages": [STAGE]},
            "no model is made of the stage 'base'",
        ),
        ("no task is called so", staged(tasks=["tt"]), "no task is called 'tt'"),
        (
            "a task has no training rows",
            {"tasks.1": TESTED, **staged(tasks=["u"])},
            "task 'u' has no training rows",
        ),
        ("no model is called so", {"sweeps.0.models": ["m", "n"]}, "no model is called 'n'"),
        ("no task is called so", {"sweeps.0.tasks": ["t", "x"]}, "no task is called 'x'"),
        (
            "a task has no training rows",
            {"tasks.1": TESTED, "sweeps.0.tasks": ["u"]},
            "task 'u' has no training rows",
        ),
        ("no mix is called so", {"sweeps.0.mixes": ["three"]}, "no mix is called 'three'"),
        (
            "train.steps gives every run as many steps already",
            {"train.steps": 7, "sweeps.0.controls": ["equal_steps"]},
            "train.steps gives every run 7 steps already",
        ),
        (
            "the steps of k=0 are known only for batches counted in rows",
            {"train.batchUnit": "tokens", "sweeps.0.controls": ["equal_steps"]},
            "the steps of k=0 are known only for batches counted in rows",
        ),
        ("no sweep is called so", contrast(sweep="x"), "no sweep is called 'x'"),
        (
            "no group or language is called so",
            contrast(languages="ko"),
            "no group or language is called 'ko'",
        ),
    ],
    "LanguagesSpec": [
        ("the mix is empty", {"languages.mixes.none": []}, "the mix is empty"),
        (
            "the pivot is in the mix",
            {"languages.mixes.two": ["es", "en"]},
            "the pivot 'en' is in the mix",
        ),
        (
            "the pivot is not evaluated",
            {"languages.evaluate": ["es"]},
            "the pivot 'en' is not evaluated",
        ),
    ],
    "ModelSpec": [
        ("that is no model source", {"models.0.source": "org/m"}, "'org/m' is no model source"),
        (
            "the source is on one machine, which a cluster cannot read",
            {"models.0.source": "file:weights"},
            "'file:weights' is on one machine, which a cluster cannot read",
        ),
        (
            "only models made here (init:…) have an alphabet",
            {"models.0.alphabet": "abc"},
            "only models made here (init:…) have an alphabet",
        ),
        (
            "only models made here (init:…) have a seed",
            {"models.0.seed": 3},
            "only models made here (init:…) have a seed",
        ),
        (
            "only hub models (hf:…) have a revision",
            {"models.0": {"name": "m", "source": "init:llama", "revision": "r"}},
            "only hub models (hf:…) have a revision",
        ),
    ],
    "DataSpec": [
        (
            "that is no source of rows",
            {"tasks.0.test.source": "rows.jsonl"},
            "'rows.jsonl' is no source of rows",
        ),
        (
            "the source is on one machine, which a cluster cannot read",
            {"tasks.0.test.source": "jsonl:rows.jsonl"},
            "'jsonl:rows.jsonl' is on one machine, which a cluster cannot read",
        ),
        (
            "a generator makes its own fields; leave columns out",
            {"tasks.0.train.source": "generator:sums"},
            "a generator makes its own fields; leave columns out",
        ),
        *(
            (
                f"only hub data sets (hf:…) have a {field}",
                {"tasks.0.train": {**GENERATOR, field: "x"}},
                f"only hub data sets (hf:…) have a {field}",
            )
            for field in ("revision", "config", "split")
        ),
    ],
    "TaskSpec": [
        (
            "the task has neither train nor test",
            {"tasks.1": {"name": "u"}},
            "task 'u' has neither train nor test",
        ),
        (
            "split cuts the training source, and there is none",
            {"tasks.1": {**TESTED, "split": {}}},
            "split cuts the training source, and there is none",
        ),
        ("both test and split are given", {"tasks.0.split": {}}, "both test and split are given"),
        (
            "testItems belongs to split",
            {"tasks.0.testItems": 5},
            "testItems belongs to split",
        ),
        *(
            (
                "items says how many test items are used",
                {f"tasks.0.{role}": {**DATA, "items": 5}},
                "items says how many test items are used",
            )
            for role in ("train", "exemplars")
        ),
        (
            "there are no rows for worked examples",
            {"tasks.1": {**TESTED, "generation": {"shots": 2}}},
            "there are no rows for worked examples",
        ),
        (
            "the task is tested but has no metric",
            {"tasks.0.metrics": []},
            "task 't' is tested but has no metric",
        ),
        (
            "the task is tested but has no metric",
            {"tasks.1": {"name": "u", "train": DATA, "split": {}}},
            "task 'u' is tested but has no metric",
        ),
        (
            "no metric is called so",
            {"tasks.0.metricArguments": {"chrf": {}}},
            "no metric is called 'chrf'",
        ),
        *(
            (
                "no column is mapped to a field that is needed",
                {f"tasks.0.{role}": {**DATA, "columns": {"prompt": "{q}"}}},
                f"no column is mapped to '{field}'",
            )
            for role, field in (
                ("train", "response"),
                ("test", "answer"),
                ("exemplars", "response"),
            )
        ),
        (
            "no column is mapped to a field that is needed",
            {
                "tasks.0.train.columns": {"prompt": "{q}", "response": "{a}"},
                "tasks.0.test": None,
                "tasks.0.split": {},
            },
            "no column is mapped to 'answer'",
        ),
    ],
    "SweepSpec": [
        (
            "a control compares with mixtures counted in samples",
            {"sweeps.0.unit": "tokens", "sweeps.0.controls": ["pivot_matched", "token_matched"]},
            "token_matched compares with mixtures counted in samples, not in tokens",
        )
    ],
    "Filter.controls[]": [
        (
            "no control is called so",
            {"sweeps.0.include": [{"controls": ["matched"]}]},
            "no control is called 'matched'",
        )
    ],
    "Counts": [("there is no value", {"sweeps.0.samplesPerLanguage": {}}, "there is no value")],
    "Range": [
        (
            "'to' is below 'from'",
            {"sweeps.0.samplesPerLanguage.range": {"from": 9, "to": 3, "step": 1}},
            "'to' is below 'from'",
        )
    ],
    "TrainSpec": [
        (
            "the loss that chooses the checkpoint needs validation rows",
            {"train.select": "pivot_loss"},
            "'pivot_loss' needs validation rows",
        ),
        (
            "the loss that chooses the checkpoint needs validation rows",
            staged(train={"select": "mixture_loss"}),
            "'mixture_loss' needs validation rows",
        ),
    ],
    "ReportSpec": [
        ("a contrast is the baseline itself", contrast(k=0), "k=0 is the baseline itself"),
        (
            "a contrast is the baseline itself",
            {**contrast(k=10), "report.baseline": {"samplesPerLanguage": 10}},
            "k=10 is the baseline itself",
        ),
    ],
    "names of mappings": [
        ("", {"languages.mixes.a b": ["es"]}, "as a name, 'a b' is not of the form"),
        ("", {"tasks.0.train.languageNames": {"e n": "x"}}, "as a name, 'e n' is not of the form"),
        ("", {"sweeps.0.quotas": {"e1": 5}}, "as a name, 'e1' is not of the form"),
    ],
}
TWICE = {
    "ExperimentSpec.seeds": {"seeds": [0, 1, 0]},
    "LanguagesSpec.evaluate": {"languages.evaluate": ["en", "es", "en"]},
    "TaskSpec.metrics": {"tasks.0.metrics": ["chrf", "exact_match", "chrf"]},
    "SweepSpec.models": {"sweeps.0.models": ["m", "m"]},
    "SweepSpec.tasks": {"sweeps.0.tasks": ["t", "t"]},
    "SweepSpec.mixes": {"sweeps.0.mixes": ["two", "two"]},
    "SweepSpec.controls": {"sweeps.0.controls": ["pivot_matched", "pivot_matched"]},
    "SweepSpec.seeds": {"sweeps.0.seeds": [7, 7]},
}
for place, changes in TWICE.items():
    doubled = next(iter(changes.values()))[-1]
    TABLE[place] = [("a value is used twice", changes, f"'{doubled}' is used twice")]
ROWS = [(place, *row) for place, rows in TABLE.items() for row in rows]
# Lists whose entries have names; the API server refuses a name twice in words of its own.
NAMED = [
    ("models.1", {"name": "m", "source": "hf:org/other"}),
    ("tasks.1", {**TESTED, "name": "t"}),
    ("sweeps.1", hub_spec()["sweeps"][0]),
    ("stages", [STAGE, STAGE]),
    ("report.contrasts", contrast()["report.contrasts"] * 2),
]
# Tried below, by changes: what may not change, and the name of a store.
ELSEWHERE = {
    "the store of an experiment does not change",
    "what was cancelled stays so",
    "on a cluster a spec names a store by its profile",
}


@pytest.fixture
def lines(cluster, crd_installed, namespace):
    """The problems with which the API server refuses a spec, as ``path: message``."""
    api = cluster.api()

    def refused(spec):
        body = manifest(spec, "study", namespace)
        try:
            api.create(EXPERIMENTS, body, manager="test", dry_run=True, strict=True)
        except Invalid as error:
            return [str(problem) for problem in error.problems]
        return []

    return refused


def planned(spec):
    """The problems that ``cltctl plan`` and the operator find."""
    try:
        experiment = Experiment.model_validate(
            manifest(spec, "study", "team"), strict=True, by_alias=True, by_name=False
        )
    except ValidationError as error:
        return [str(problem) for problem in problems_of(error, Experiment)]
    profiles = Profiles.parse(PROFILES, "profiles.yaml")
    found = [*check(experiment.spec), *profiles.check("team", experiment.spec)]
    return [str(problem) for problem in found]


def test_the_good_spec_is_good_to_both(lines):
    assert lines(hub_spec()) == []
    assert planned(hub_spec()) == []


@pytest.mark.parametrize(
    ("place", "message", "changes", "words"), ROWS, ids=[f"{r[0]}-{r[3]}" for r in ROWS]
)
def test_promise_admission_says_what_plan_says(lines, place, message, changes, words):
    spec = changed(changes)
    assert any(words in line for line in planned(spec)), planned(spec)
    said = lines(spec)
    assert any(words in line and line.startswith("spec.") for line in said), said


@pytest.mark.parametrize("place", RULES)
def test_every_rule_has_its_bad_spec(place):
    tried = Counter(message for message, *_ in TABLE.get(place, []))
    stated = Counter(rule["message"] for rule in RULES[place])
    assert {m for m in stated - tried if not m.startswith(tuple(ELSEWHERE))} == set()


@pytest.mark.parametrize(("path", "value"), NAMED, ids=[path for path, _ in NAMED])
def test_a_name_that_stands_twice_is_refused_by_both(lines, path, value):
    spec = changed({path: value})
    assert any("is used twice" in line for line in planned(spec)), planned(spec)
    assert any("Duplicate value" in line for line in lines(spec)), lines(spec)


def test_rules_stay_within_the_budget_of_older_servers():
    """No function that came after Kubernetes 1.31: the definition installs on all that we name."""
    text = str(crd())
    assert not [name for name in ("flatten(", "distinct(", "sortBy(", "slice(") if name in text]


# What a rule that forgets a default, or a null, would refuse.
GOOD = [
    {"tasks.0.split": None, "tasks.0.exemplars": None, "sweeps.0.samplesPerLanguage.range": None},
    {
        "tasks.0.train": DATA,
        "tasks.0.test": None,
        "tasks.0.split": {"reference": None},
        "tasks.0.testItems": 5,
    },
    {"tasks.0.train": GENERATOR, "tasks.0.test": {**GENERATOR, "arguments": {"n": [1, None]}}},
    {"tasks.0.exemplars": DATA, "tasks.0.generation": {"shots": 4}},
    {"tasks.0.train": {**DATA, "revision": "r", "config": "c", "split": "s"}},
    {"tasks.1": TESTED, **staged(train=None)},
    staged(train={"select": "mixture_loss", "validationItems": 5}),
    {"models.0": {"name": "m", "source": "init:llama", "architecture": {"layers": 1}, "seed": 3}},
    {"models.0": {"name": "m", "source": "s3://research/clt/m"}},
    {"models.0": {"name": "m", "source": "hf:org/m", "revision": "", "alphabet": "", "seed": 0}},
    {"train": {"method": "adapter", "adapter": {"rank": 4}, "select": "last"}},
    {"sweeps.0.controls": ["equal_steps", "token_matched"], "sweeps.0.unit": "samples"},
    {"sweeps.0.controls": ["pivot_matched"], "sweeps.0.unit": "tokens", "train.steps": 5},
    {"sweeps.0.include": [{"controls": ["", "pivot_matched"]}]},
    {"sweeps.0.axes": {"train.learningRate": [1e-5, 2], "train.schedule": ["linear", "cosine"]}},
    {"sweeps.0.samplesPerLanguage": {"range": {"from": 0, "to": 20, "step": 10}}},
    {"sweeps.0.models": ["m"], "sweeps.0.tasks": ["t"], "sweeps.0.mixes": ["two"]},
    {"languages.mixes.many": ["es", "ja"], "sweeps.0.mixes": ["many", "two"]},
    contrast(k=20, sweep="s", languages="ja"),
    contrast(k=10, sweep="", languages="unseen"),
    {"store": "research", "suspend": True, "cancel": True},
]


@pytest.mark.parametrize("changes", GOOD, ids=[str(changes)[:60] for changes in GOOD])
def test_admission_is_no_stricter_than_plan(lines, changes):
    spec = changed(changes)
    assert planned(spec) == []
    assert lines(spec) == []


@pytest.mark.parametrize("spec", [hub_spec, reference_spec], ids=["small", "reference"])
def test_a_spec_with_every_default_written_out_is_admitted(lines, spec):
    whole = Experiment.model_validate(manifest(spec(), "study", "team"))
    assert lines(whole.spec.model_dump(mode="json", by_alias=True)) == []


class TestChanges:
    """Rules that compare a spec with the one before."""

    @pytest.fixture
    def study(self, experiments):
        experiments.create({**hub_spec(), "store": "research"})
        return experiments

    def refused(self, study, **changes):
        with pytest.raises(AssertionError) as caught:
            study.change(changes)
        return str(caught.value)

    def test_the_store_cannot_be_changed(self, study):
        said = self.refused(study, store="other")
        assert "spec.store" in said
        assert "the store of an experiment does not change" in said
        assert "the store of an experiment does not change" in self.refused(study, store=None)
        study.change({"retries": {"limit": 5}})

    def test_a_store_that_was_never_named_cannot_be_named_later(self, experiments):
        experiments.create(hub_spec())
        said = self.refused(experiments, store="research")
        assert "the store of an experiment does not change" in said
        experiments.change({"store": ""})

    def test_cancel_cannot_be_undone(self, study):
        study.change({"suspend": True})
        study.change({"suspend": False})
        study.change({"cancel": True})
        for undone in (False, None):
            said = self.refused(study, cancel=undone)
            assert "spec.cancel" in said
            assert "what was cancelled stays so" in said
        study.change({"suspend": True})

    def test_a_grid_can_be_changed_under_way(self, study):
        study.change({"seeds": [0, 1], "languages": {"mixes": {"three": ["es", "ja", "zh"]}}})

    def test_a_store_is_named_by_its_profile(self, lines):
        assert any(
            "names a store by its profile" in line for line in lines(changed({"store": "s3://b/p"}))
        )
