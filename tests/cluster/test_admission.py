"""The API server takes what a user may write, and refuses the rest before anything is kept."""

import copy
import re
from pathlib import Path

import pytest
import yaml
from cluster.harness.experiments import manifest
from support.specs import hub_spec, reference_spec

from clt_operator.cluster.errors import Invalid
from clt_operator.cluster.resources import CRDS, EXPERIMENTS

EXAMPLES = Path(__file__).parents[2] / "examples"
LOCAL = {"json:${DATA}": "json:s3://corpora/clt", "tsv:${DATA}": "tsv:s3://corpora/clt"}
LOCAL |= {"gguf:${MODEL}": "s3://models/smollm2"}
NAME = "experiments.clt.dev"


@pytest.fixture
def api(cluster, crd_installed):
    return cluster.api()


@pytest.fixture
def admit(api, namespace):
    """What the API server would keep of a spec (or a whole object); nothing is kept."""

    def dry_run(spec, name="study"):
        body = manifest(spec, name, namespace)
        return api.create(EXPERIMENTS, body, manager="test", dry_run=True, strict=True)

    return dry_run


def changed(spec, path, value):
    """A copy of a spec with one field set: ``sweeps.0.pivotSamples``."""
    made = copy.deepcopy(spec)
    *above, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    at = made
    for part in above:
        at = at[part] if isinstance(at, list) else at.setdefault(part, {})
    at[last] = value
    return made


def refused(admit, spec, **names):
    """The problems with which a spec is refused, as lines."""
    with pytest.raises(Invalid) as caught:
        admit(spec, **names)
    assert caught.value.problems, caught.value
    return [str(problem) for problem in caught.value.problems]


def test_the_definition_is_established_and_structural(api):
    conditions = {c["type"]: c["status"] for c in api.get(CRDS, NAME)["status"]["conditions"]}
    assert conditions["Established"] == "True"
    assert conditions["NamesAccepted"] == "True"
    assert "NonStructuralSchema" not in conditions


def example(name, replaced=()):
    text = (EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8")
    for local, pushed in dict(replaced).items():
        assert local in text
        text = text.replace(local, pushed)
    return yaml.load(text, yaml.CSafeLoader)["spec"]


@pytest.mark.parametrize(
    ("study", "replaced"),
    [("quickstart", {}), ("post-trainers-guide", {}), ("smollm-math", LOCAL)],
)
def test_promise_every_example_is_kept_word_for_word(admit, study, replaced):
    """One reads files of this machine: there as ``cltctl push`` leaves it."""
    spec = example(study, replaced)
    assert admit(spec)["spec"] == spec


def test_what_only_one_machine_has_is_refused_at_its_field(admit):
    lines = refused(admit, example("smollm-math"))
    for place in ("models[0].source", "tasks[0].train.source", "tasks[1].test.source"):
        assert any(place in line and "is on one machine" in line for line in lines), lines


def test_a_sweep_of_ten_thousand_runs_is_admitted(admit):
    spec = changed(hub_spec(), "seeds", list(range(100)))
    spec["sweeps"][0]["samplesPerLanguage"] = {"values": list(range(0, 1000, 10))}
    assert admit(spec)["spec"] == spec


def test_a_section_that_is_explicitly_empty_is_admitted(admit):
    """``null`` stands for "not given" where the types say so."""
    admit(changed(hub_spec(), "tasks.0.exemplars", None))


def test_no_default_is_written_into_an_object(admit):
    """The lock holds what was resolved; a later release may explain an absent field anew."""
    assert admit(hub_spec())["spec"] == hub_spec()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("surprise", 1),
        ("sweeps.0.pivot_samples", 1),
        ("compute.train.gpu", 1),
        ("report.contrasts", [{"name": "c", "at": {"k": 1}}]),
    ],
)
def test_unknown_fields_are_refused_by_name(admit, path, value):
    last = path.rpartition(".")[2] if path != "report.contrasts" else "k"
    lines = refused(admit, changed(hub_spec(), path, value))
    assert any(last in line and "unknown field" in line for line in lines), lines


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("models.0.name", "m" * 64, "63"),
        ("models.0.name", "a b", "should match"),
        ("seeds", [-1], "greater than or equal to 0"),
        ("seeds", [2**31], "less than or equal to 2147483647"),
        ("sweeps.0.pivotSamples", 0, "greater than or equal to 1"),
        ("sweeps.0.samplesPerLanguage.values", [1] * 10_001, "10000"),
        ("train.learningRate", 0, "greater than 0"),
        ("train.schedule", "wavy", "supported values"),
        ("report.confidence", 1, "less than 1"),
        ("languages.evaluate", [], "at least 1"),
        ("languages.mixes", {}, "at least 1"),
        ("tasks.0.template.prompt", "x" * 65_537, "65536"),
        ("compute.budget.gpuHours", -1, "greater than or equal to 0"),
        ("retries.limit", 101, "less than or equal to 100"),
        ("suspend", "yes", "boolean"),
        ("compute.train.memory", "much", "should match"),
    ],
)
def test_what_no_bound_allows_is_refused_at_its_field(admit, path, value, words):
    lines = refused(admit, changed(hub_spec(), path, value))
    place = "spec." + re.sub(r"\.(\d+)", r"[\1]", path)
    assert any(line.startswith(place) and words in line for line in lines), lines


def test_what_is_missing_is_named(admit):
    spec = hub_spec()
    del spec["languages"]["pivot"]
    assert any(line.startswith("spec.languages.pivot: Required") for line in refused(admit, spec))


def test_a_name_that_could_be_no_label_is_refused(admit):
    lines = refused(admit, hub_spec(), name="n" * 64)
    assert any(line.startswith("metadata.name") and "63" in line for line in lines), lines


def test_a_spec_above_the_limit_of_objects_is_refused_with_the_limit_named(api, namespace):
    """Every field is within its bounds; it is the whole that etcd cannot hold, or that the API
    server does not read."""
    huge = reference_spec()
    text = {"prompt": "x" * 60_000}
    codes = [chr(97 + at // 26) + chr(97 + at % 26) for at in range(60)]
    huge["tasks"][0]["templates"] = dict.fromkeys(codes, text)
    body = manifest(huge, "study", namespace)
    with pytest.raises(Invalid, match="too large"):
        api.create(EXPERIMENTS, body, manager="test")
    assert api.find(EXPERIMENTS, "study", namespace) is None


def test_kubectl_explain_reads_well(cluster, crd_installed):
    said = " ".join(cluster.kubectl("explain", "experiment.spec.sweeps").split())
    assert "Named grids of runs." in said
    assert "A grid: models × tasks × mixes × samplesPerLanguage × axes × seeds." in said
    assert "pivotSamples <integer> -required- Rows of the pivot, per task." in said
    said = " ".join(cluster.kubectl("explain", "experiment.spec.retries.limit").split())
    assert "Counted attempts of a step before it failed. Default: 3." in said


def test_columns_short_names_and_category(cluster, experiments):
    experiments.create(hub_spec(), "one")
    status = {
        "phase": "Running",
        "done": "12/96",
        "failed": 2,
        "progress": "12%",
        "eta": "2h10m",
    }
    path = f"{experiments.path}/one/status"
    cluster.client.patch(path, {"status": status})
    for word in ("experiments", "experiment", "clt", "cltexp", "experiments.clt.dev"):
        shown = cluster.kubectl("get", word, "-n", experiments.namespace)
        head, row = (line.split() for line in shown.splitlines())
        assert head == ["NAME", "PHASE", "DONE", "FAILED", "PROGRESS", "ETA", "AGE"], word
        assert row[:6] == ["one", "Running", "12/96", "2", "12%", "2h10m"]


def test_the_status_is_a_subresource(cluster, experiments):
    """A user's write to the object leaves it alone; a writer of the status leaves the spec."""
    made = experiments.create({**hub_spec(), "retries": {"limit": 5}})
    experiments.change({"retries": {"limit": 6}})
    cluster.client.patch(f"{experiments.path}/study", {"status": {"phase": "Complete"}})
    assert experiments.status() == {}
    body = {"status": {"phase": "Running"}, "spec": {"retries": {"limit": 1}}}
    cluster.client.patch(f"{experiments.path}/study/status", body)
    kept = experiments.get()
    assert kept["status"] == {"phase": "Running"}
    assert kept["spec"]["retries"] == {"limit": 6}
    assert kept["metadata"]["generation"] == made["metadata"]["generation"] + 1


@pytest.mark.parametrize(
    "wrong", [{"phase": "Done"}, {"steps": -1}, {"lock": "x"}, {"gpuHours": 1.5}]
)
def test_a_status_that_no_operator_writes_is_refused(cluster, experiments, wrong):
    experiments.create(hub_spec())
    with pytest.raises(AssertionError, match=next(iter(wrong))):
        cluster.client.patch(f"{experiments.path}/study/status", {"status": wrong})
