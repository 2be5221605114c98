"""What a user or the platform team got wrong: said where it is, in the words of ``cltctl plan``.

The operator stays well, and nothing is half there: no Job, no lock, no root.
"""

import copy
import re
import time

import pytest
from cluster.faults.studies import tiny_study
from cluster.harness.client import Refused
from cluster.harness.cluster import config_map
from cluster.harness.experiments import manifest
from cluster.harness.profiles import CONFIG_MAP
from cluster.harness.waiting import until

from clt_operator.api.errors import SpecError
from clt_operator.api.spec import Experiment
from clt_operator.cluster.profiles import load_profiles
from clt_operator.plan.check import check

SOON = 45  # seconds: an event wakes the operator; profiles and queues it looks at every 15 s
ERRORS = "clt_operator_reconcile_errors_total"


def changed(spec, changes):
    """A copy of a spec with fields set by their paths: ``tasks.0.train.source``."""
    made = copy.deepcopy(spec)
    for path, value in changes.items():
        *above, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        at = made
        for part in above:
            at = at[part] if isinstance(at, list) else at.setdefault(part, {})
        at[last] = value
    return made


def idle_study(**changes):
    """A study that is planned and runs nothing: suspended."""
    return tiny_study(suspend=True, **changes)


@pytest.fixture
def nothing_is_there(cluster, namespace, store):
    """Asserts that no experiment was begun, not even by half."""

    def check_it():
        assert not cluster.jobs(namespace)
        kept = list(store.artifacts.store.list("experiments"))
        assert not kept

    return check_it


def errors(operator) -> float:
    """Looks of the operator that failed."""
    return sum(count for name, count in operator.metrics().items() if name.startswith(ERRORS))


def assert_well(operator, most_errors=0):
    assert operator.running
    assert operator.status("/healthz") == 200
    assert operator.status("/readyz") == 200
    assert errors(operator) <= most_errors, operator.logs[-3000:]


# -- specs -----------------------------------------------------------------------------------

WRONG = {
    "pool": {"compute.train.pool": "tpu"},
    "store": {"store": "elsewhere"},
    "queue": {"compute.queue": "nobody"},
    "gang": {"compute.train.nodes": 2},
    "bucket": {"tasks.0.train": {"source": "parquet:s3://elsewhere/{language}"}},
    "climbing": {"tasks.0.train": {"source": "parquet:s3://BUCKET/clt/../other/{language}"}},
    "twice": {"languages.mixes": {"one": ["es", "es"]}},
    "odd-pool": {"compute.train.pool": "a\x00b\n\x1b[31m"},
    "odd-queue": {"compute.queue": "a\nb"},
    "many": {"compute.train.pool": "tpu", "compute.queue": "nobody", "store": "elsewhere"},
}


def wrong_study(name, store):
    text = store.uri.removeprefix("s3://").partition("/")[0]
    changes = copy.deepcopy(WRONG[name])
    for value in changes.values():
        if isinstance(value, dict) and "source" in value:
            value["source"] = value["source"].replace("BUCKET", text)
            value["columns"] = {"prompt": "{q}", "response": "{a}"}
    return changed(idle_study(), changes)


def said_by_plan(spec, name, namespace, profiles, queues):
    """What the types and the checks say of a spec, without any operator."""
    document = manifest(spec, name, namespace)
    experiment = Experiment.model_validate(document, strict=True, by_alias=True, by_name=False)
    problems = [*profiles.check(namespace, experiment.spec, queues), *check(experiment.spec)]
    return str(SpecError(problems))


def test_a_spec_that_cannot_run_here_is_refused_in_the_words_of_plan(
    operator, cluster, namespace, experiments, store, nothing_is_there
):
    known = load_profiles(cluster.api(), namespace)
    for name in WRONG:
        experiments.create(wrong_study(name, store), name)
    for name in WRONG:
        status = experiments.wait("Accepted", "False", name=name, seconds=SOON)
        said = said_by_plan(wrong_study(name, store), name, namespace, known, [])
        assert experiments.condition("Accepted", name)["message"] == said
        assert said, name
        assert status["phase"] == "Rejected"
        assert status["observedGeneration"] == 1
        assert experiments.condition("Progressing", name)["status"] == "False"
    nothing_is_there()
    assert_well(operator)
    rejected = {e["regarding"]["name"] for e in cluster.events(namespace, "InvalidSpec")}
    assert rejected == set(WRONG)

    mended = [name for name in WRONG if "store" not in WRONG[name]]  # which nobody may change
    for name in mended:
        spec = idle_study()
        spec["compute"] |= {"queue": None}
        spec["compute"]["train"] |= {"nodes": None}
        experiments.change(spec, name)
    for name in mended:
        experiments.wait("Accepted", name=name, seconds=SOON)
        assert experiments.condition("Suspended", name)["status"] == "True"
    assert not cluster.jobs(namespace)
    assert_well(operator)


def test_fifty_thousand_steps_are_refused_until_the_limit_is_raised(
    operator, cluster, namespace, experiments, profiles, nothing_is_there
):
    spec = idle_study(seeds=list(range(100)))
    spec["sweeps"][0]["samplesPerLanguage"] = {"values": list(range(72))}
    experiments.create(spec)
    experiments.wait("Accepted", "False", reason="TooManySteps", seconds=SOON)
    assert "20,000" in experiments.condition("Accepted")["message"]
    assert "limits.steps" in experiments.condition("Accepted")["message"]
    nothing_is_there()
    profiles(limits={"steps": 100_000})
    status = experiments.wait("Accepted", seconds=180)
    assert status["steps"] > 50_000
    assert not cluster.jobs(namespace)
    assert_well(operator)


def test_sources_that_are_not_there_are_named(
    operator, experiments, store, profiles, nothing_is_there
):
    place = f"{store.uri}/inputs/absent"
    columns = {"prompt": "{q}", "response": "{a}"}
    task = {"source": f"parquet:{place}/{{language}}.parquet", "columns": columns}
    experiments.create(changed(idle_study(), {"tasks.0.train": task}))
    spec = changed(idle_study(), {"tasks.0.train.source": "generator:number-words/magic"})
    experiments.create(spec, "magic")
    for name, words in (
        ("study", f"there is no object {place}"),
        ("magic", "unknown generator 'number-words/magic'"),
    ):
        experiments.wait("Accepted", "False", reason="InvalidSpec", name=name, seconds=SOON)
        assert words in experiments.condition("Accepted", name)["message"]
    nothing_is_there()
    assert_well(operator)


def test_a_hub_that_does_not_answer_degrades_and_is_asked_again(
    start_operator, experiments, profiles, nothing_is_there
):
    hub = {"kind": "hub", "address": "http://127.0.0.1:9", "namespaces": ["*"]}
    profiles(endpoints={"hub": hub})
    operator = start_operator()
    columns = {"prompt": "{q}", "response": "{a}"}
    task = {"source": "hf:org/rows", "columns": columns}
    experiments.create(changed(idle_study(), {"tasks.0.train": task}))
    experiments.wait("Degraded", seconds=SOON)
    assert "hub" in experiments.condition("Degraded")["message"]
    nothing_is_there()
    before = errors(operator)
    until(lambda: errors(operator) > before, 90, what="it is asked again")
    assert_well(operator, most_errors=20)


def test_an_edit_that_is_wrong_starts_nothing_new_and_ends_nothing(
    operator, experiments, stub, cluster, namespace, store
):
    gate = stub.hold(kind="train")
    experiments.create(tiny_study())
    working = stub.working("train")
    experiments.change({"compute": {"train": {"pool": "tpu"}}})
    experiments.wait("Accepted", "False", seconds=SOON)
    assert experiments.status()["phase"] == "Rejected"
    assert not working.stop.is_set()
    gate.set()
    until(lambda: stub.attempts(kind="train"), 30, what="what ran goes on")
    assert store.artifacts.root(namespace, "study"), "what is kept stays kept"
    experiments.change({"compute": {"train": {"pool": "cpu"}}})
    experiments.wait("Complete")
    assert max(stub.commits().values()) == 1
    assert_well(operator)


# -- text that is no text --------------------------------------------------------------------

CONTROL = "a\x00b\x1b[31m\x07\u202e\u2028\ufeff\r\n{"


def test_hostile_text_does_no_harm(operator, cluster, experiments, namespace):
    """What an API server keeps, the operator has to live with."""
    experiments.create(changed(idle_study(), {"models.0.notes": CONTROL * 20}), "notes")
    experiments.create(changed(idle_study(), {"report.title": CONTROL}), "title")
    experiments.create(changed(idle_study(), {"tasks.0.template.prompt": CONTROL}), "prompt")
    experiments.create({**idle_study(), "surprise": {"deep": [1]}}, "pruned")
    noted = manifest(idle_study(), "noted", namespace)
    noted["metadata"]["annotations"] = {
        "clt.dev/variables": "[" * 100_000,
        "clt.dev/requested-at": "x" * 100_000,
        "clt.dev/retry": " \n ",
    }
    cluster.client.create(experiments.path, noted)
    for name in ("notes", "title", "prompt", "pruned", "noted"):
        experiments.wait_status(lambda s: condition(s, "Accepted"), name=name, seconds=SOON)
        assert condition(experiments.status(name), "Degraded").get("status") != "True", name
    assert "surprise" not in experiments.get("pruned")["spec"]
    for name in ("pruned", "noted", "notes", "title"):
        assert experiments.condition("Accepted", name)["status"] == "True", name
    assert not cluster.jobs(namespace)
    assert_well(operator)


@pytest.mark.parametrize(
    "path",
    ["models.0.name", "store", "compute.queue", "compute.train.pool", "tasks.0.train.source"],
)
def test_names_of_ten_thousand_characters_are_refused_at_admission(
    crd_installed, experiments, path
):
    with pytest.raises(Refused, match=re.escape(f"spec.{where(path)}")) as refused:
        experiments.create(changed(idle_study(), {path: "x" * 10_000}))
    assert refused.value.status == 422


def where(path):
    """As the API server names a field: ``tasks[0].train.source``."""
    return re.sub(r"\.(\d+)", r"[\1]", path)


def condition(status, kind):
    return next((c for c in status.get("conditions", []) if c["type"] == kind), {})


# -- what the platform team got wrong ----------------------------------------------------------


def test_profiles_that_are_missing_then_wrong_then_mended(
    start_operator, profiles, cluster, namespace, experiments, nothing_is_there
):
    cluster.client.delete(f"/api/v1/namespaces/{namespace}/configmaps/{CONFIG_MAP}")
    operator = start_operator()
    experiments.create(idle_study())
    experiments.wait("Degraded", reason="NoProfiles", seconds=SOON)
    assert "there is no ConfigMap" in experiments.condition("Degraded")["message"]
    cluster.apply(config_map(namespace, CONFIG_MAP, {"profiles.yaml": "stores: [\nx"}))
    experiments.wait_status(
        lambda s: "profiles.yaml:" in condition(s, "Degraded")["message"], seconds=SOON
    )
    nothing_is_there()
    begun = time.monotonic()
    profiles()
    experiments.wait("Accepted", seconds=SOON)
    assert time.monotonic() - begun < 30
    assert experiments.condition("Degraded")["status"] == "False"

    cluster.apply(config_map(namespace, CONFIG_MAP, {"profiles.yaml": "stores: 3"}))
    until(lambda: "the profiles stay as they were" in operator.logs, 60, what="it says so")
    experiments.create(idle_study(), "second")
    experiments.wait("Accepted", name="second", seconds=SOON)
    assert_well(operator)


def test_a_pool_that_is_added_later_lets_a_refused_study_go_on(
    operator, profiles, experiments, cluster, namespace
):
    experiments.create(changed(idle_study(), {"compute.train.pool": "tpu"}))
    experiments.wait("Accepted", "False", seconds=SOON)
    selector = {"nodeSelector": {"clt.dev/pool": "cpu"}}
    profiles(pools={"cpu": selector, "tpu": selector})
    begun = time.monotonic()
    experiments.wait("Accepted", seconds=SOON)
    assert time.monotonic() - begun < 30
    assert experiments.status()["phase"] == "Suspended"
    assert_well(operator)


def test_a_lock_that_is_damaged_is_named_and_nothing_is_made_of_it(
    operator, experiments, cluster, namespace, store
):
    artifacts = store.artifacts
    artifacts.write_experiment_file(namespace, "study", "lock.json", b'{"spec": {"models": 3')
    experiments.create(tiny_study(suspend=True))
    experiments.wait("Degraded", seconds=SOON)
    said = experiments.condition("Degraded")["message"]
    assert "the lock of study" in said
    assert "cltctl upgrade" in said
    assert not cluster.jobs(namespace)
    assert artifacts.root(namespace, "study") is None
    artifacts.store.delete([f"experiments/{namespace}/study/lock.json"])
    experiments.wait("Accepted", seconds=90)
    assert experiments.condition("Degraded")["status"] == "False"
    assert_well(operator, most_errors=20)


# -- a status that others wrote ----------------------------------------------------------------


def test_a_status_that_was_edited_by_hand_drives_nothing_and_is_mended(
    operator, experiments, stub, cluster, namespace, store
):
    gate = stub.hold(kind="train")
    experiments.create(tiny_study())
    stub.working("train")
    path = f"{experiments.path}/study/status"
    done = {
        "type": "Complete",
        "status": "True",
        "reason": "ReportCommitted",
        "message": "by hand",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    forged = {
        "phase": "Complete",
        "conditions": [done],
        "report": "f" * 64,
        "done": "1/1",
        "completionTime": "2026-01-01T00:00:00Z",
        "cost": "1 EUR",
        "observedGeneration": 1,
    }
    cluster.client.patch(path, {"status": forged})
    foreign = {"report", "completionTime", "cost"}
    mended = experiments.wait_status(
        lambda s: s["phase"] == "Running" and not foreign & set(s), seconds=SOON
    )
    assert condition(mended, "Complete")["status"] == "False"
    assert cluster.jobs(namespace), "its Jobs stay"
    mark = cluster.audit.mark()
    cluster.client.patch(path, {"status": None})
    experiments.wait_status(lambda s: s.get("phase") == "Running", seconds=SOON)
    gate.set()
    status = experiments.wait("Complete")
    assert max(stub.commits().values()) == 1

    made = len(stub.records)
    cluster.client.patch(path, {"status": {"phase": "Failed", "failed": 9}})
    experiments.wait_status(lambda s: (s["phase"], s["failed"]) == ("Complete", 0), seconds=SOON)
    assert experiments.status()["report"] == status["report"]
    assert len(stub.records) == made, "nothing was computed again"
    writes = cluster.audit.writes(mark, user=f"system:serviceaccount:{namespace}:operator")
    assert len([w for w in writes if w.resource == "experiments/status"]) < 200
    assert_well(operator)


def test_a_complete_study_that_is_edited_while_the_store_is_away_is_not_taken_for_complete(
    operator, experiments, stub, store
):
    experiments.create(tiny_study())
    before = experiments.wait("Complete")
    with store.down():
        experiments.change({"seeds": [1]})
        experiments.wait("Degraded", reason="StoreUnavailable", seconds=SOON)
        assert experiments.condition("Complete")["observedGeneration"] == 1
    experiments.wait_status(
        lambda s: s["observedGeneration"] == 2 and s["phase"] == "Complete", seconds=180
    )
    assert experiments.status()["report"] != before["report"]
    assert max(stub.commits().values()) == 1
