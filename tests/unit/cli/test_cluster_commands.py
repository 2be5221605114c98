"""cltctl on a cluster, against an API server in memory: what is written, said and printed."""

import json
import re

import pytest
import yaml
from support.commands import cltctl
from support.fake_api import FakeApi, experiment

from clt_operator.api.errors import Problem
from clt_operator.cluster.api import Api
from clt_operator.cluster.errors import ClusterError
from clt_operator.cluster.resources import (
    CLUSTER_QUEUES,
    CONFIGMAPS,
    EVENTS,
    EXPERIMENTS,
    JOBS,
    LEASES,
    LOCAL_QUEUES,
    PODS,
    WORKLOADS,
)

MEMBER = {"member.clt.dev/small": "true", "app.kubernetes.io/managed-by": "clt"}
KUEUE = {"localqueues": "v1beta2", "clusterqueues": "v1beta2", "workloads": "v1beta2"}


@pytest.fixture
def api(tmp_path, monkeypatch) -> FakeApi:
    fake = FakeApi()
    config = tmp_path / "kubeconfig"
    config.write_text("apiVersion: v1\n")
    monkeypatch.setenv("KUBECONFIG", str(config))
    monkeypatch.setattr(Api, "connect", staticmethod(lambda **_options: fake))
    return fake


def live(api: FakeApi, name: str = "small"):
    return api.get(EXPERIMENTS, name, "lab")


# apply


def test_apply_creates_then_finds_it_unchanged_and_writes_nothing(api, spec):
    done = cltctl("apply", spec)
    assert (done.code, done.out) == (0, "experiment.clt.dev/small created\n")
    assert done.err.splitlines() == [
        "next: cltctl get experiments small --watch",
        "      cltctl describe small",
        "      cltctl logs small --follow",
    ]
    assert api.sent == [("apply", "small")]
    assert cltctl("apply", spec).out == "experiment.clt.dev/small unchanged\n"
    assert api.sent == [("apply", "small")]


def test_apply_of_a_changed_spec_configures_it(api, spec, make_text):
    cltctl("apply", spec)
    spec.write_text(make_text(seeds=[0, 1]))
    assert cltctl("apply", spec).out == "experiment.clt.dev/small configured\n"
    assert live(api)["spec"]["seeds"] == [0, 1]
    assert live(api)["metadata"]["generation"] == 2


def test_the_object_carries_the_spec_as_written_with_its_variables_noted(api, spec, make_text):
    text = make_text().replace("jsonl:train.jsonl", "jsonl:${ROWS}.jsonl")
    spec.write_text(text)
    cltctl("apply", spec, "--var", "ROWS=train", "--var", "OTHER=1")
    found = live(api)
    assert found["spec"]["tasks"][0]["train"]["source"] == "jsonl:train.jsonl"
    assert found["metadata"]["annotations"] == {"clt.dev/variables": '{"ROWS": "train"}'}
    written = yaml.safe_load(text)["spec"]
    assert set(found["spec"]) - {"suspend", "cancel"} == set(written), "no default is written out"


def test_a_dry_run_sends_nothing(api, spec):
    done = cltctl("apply", spec, "--dry-run")
    assert (done.code, done.out) == (0, "experiment.clt.dev/small created (dry run)\n")
    assert (done.err, api.sent) == ("", [])


def test_what_admission_refuses_is_told_at_its_line(api, spec):
    api.refuse = lambda _body: [Problem("spec.sweeps[0].pivotSamples", "is immutable")]
    done = cltctl("apply", spec)
    assert (done.code, done.out, api.sent) == (2, "", [])
    line = next(n for n, t in enumerate(spec.read_text().splitlines(), 1) if "pivotSamples" in t)
    assert done.err == f"error: {spec}:{line}: spec.sweeps[0].pivotSamples: is immutable\n"


def test_a_field_of_another_writer_is_a_conflict_that_can_be_taken_over(api, spec):
    cltctl("apply", spec)
    api.patch(EXPERIMENTS, "small", {"spec": {"sweeps": []}}, namespace="lab", manager="kubectl")
    done = cltctl("apply", spec)
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines() == [
        "error: spec.sweeps was set by kubectl",
        "error: leave these fields out of the spec, or take them over with --force-conflicts",
    ]
    assert cltctl("apply", spec, "--force-conflicts").out == "experiment.clt.dev/small configured\n"


def test_an_experiment_on_its_way_out_is_not_applied(api, spec):
    cltctl("apply", spec)
    api.objects["experiments", "lab", "small"]["metadata"]["deletionTimestamp"] = "now"
    done = cltctl("apply", spec)
    assert (done.code, done.err) == (
        1,
        "error: experiment small is being deleted: try again then\n",
    )


def test_what_the_profiles_do_not_offer_is_told_before_anything_is_sent(api, spec, make_text):
    profiles = "stores: {team: {uri: s3://studies/team}}"
    api.add(
        CONFIGMAPS,
        {"metadata": {"name": "clt-profiles"}, "data": {"profiles.yaml": profiles}},
        "clt-system",
    )
    done = cltctl("apply", spec)
    assert (done.code, api.sent) == (2, [])
    assert f"{spec}:" in done.err
    assert "cltctl push" in done.err, "local files cannot be read there"


def test_profiles_that_are_wrong_are_no_reason_to_refuse(api, spec):
    api.add(
        CONFIGMAPS,
        {"metadata": {"name": "clt-profiles"}, "data": {"profiles.yaml": "storse: {}"}},
        "clt-system",
    )
    done = cltctl("apply", spec)
    assert done.code == 0
    assert done.err.startswith("warning: the installation's profiles are wrong: ")


def offer(api, text: str) -> None:
    """The profiles of the installation."""
    item = {"metadata": {"name": "clt-profiles"}, "data": {"profiles.yaml": text}}
    api.add(CONFIGMAPS, item, "clt-system")


ROOMY = "stores: {team: {uri: s3://studies/team}}\nimage: jobs\n"


@pytest.fixture
def generated(spec, make_text):
    """A spec that reads nothing from a disk."""
    source = {"source": "generator:number-words/sums", "arguments": {"samples": 200}}
    text = make_text(tasks=[{"name": "t", "metrics": ["numeric"], "train": source, "test": source}])
    spec.write_text(text)
    return spec


@pytest.mark.parametrize("verb", ["apply", "plan"])
def test_more_steps_than_the_installation_allows_are_told_beforehand(api, generated, verb):
    offer(api, ROOMY + "limits: {steps: 10}")  # more than its runs, fewer than its steps
    done = cltctl(verb, generated)
    assert (done.code, done.out, api.sent) == (2, "", [])
    assert re.search(r"steps are more than the 10 that are allowed", done.err)
    assert "ask the platform team to raise limits.steps" in done.err


def test_plan_says_which_profiles_it_looked_at(api, generated):
    offer(api, ROOMY)
    done = cltctl("plan", generated)
    said = done.err.splitlines()
    assert done.code == 0
    assert said[0] == "checked against the profiles in namespace clt-system of https://fake"
    assert said[-1] == f"next: cltctl apply {generated}"
    assert api.sent == []


def test_plan_counts_first_what_it_then_refuses(api, spec):
    offer(api, ROOMY)
    done = cltctl("plan", spec, "-o", "name")
    assert (done.code, done.out) == (2, "experiment/small\n")
    assert "cltctl push" in done.err, "local files cannot be read there"
    assert "next:" not in done.err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--local"], "not checked against a cluster: --local"),
        (["--store", "elsewhere"], "not checked against a cluster: a store was named"),
        ([], "not checked against the profiles in namespace clt-system of https://fake"),
    ],
)
def test_plan_says_where_it_did_not_look(api, spec, words, reason):
    done = cltctl("plan", spec, *words)
    assert done.code == 0
    assert done.err.startswith(reason)


def test_plan_goes_on_without_a_cluster_that_does_not_answer_unless_it_is_named(
    api, spec, monkeypatch
):
    def silent(**_options):
        raise ClusterError("https://fake does not answer")

    monkeypatch.setattr(Api, "connect", staticmethod(silent))
    done = cltctl("plan", spec)
    assert done.code == 0
    assert "not checked against a cluster: https://fake does not answer\n" in done.err
    named = cltctl("plan", spec, "--context", "fake")
    assert (named.code, named.out) != (0, "")
    assert named.err == "error: https://fake does not answer\n"


def test_the_namespace_of_the_spec_wins_over_the_contexts(api, spec, make_text):
    spec.write_text(make_text().replace("name: small", "name: small\n  namespace: team"))
    done = cltctl("apply", spec)
    assert ("experiments", "team", "small") in api.objects
    assert done.err.splitlines()[1] == "      cltctl describe small --namespace team"


def test_wait_belongs_to_the_cluster_and_jobs_to_this_machine(api, spec):
    assert cltctl("apply", spec, "--local", "--wait").code == 2
    done = cltctl("apply", spec, "--store", "s")
    assert (done.code, done.out) == (2, "")
    assert "add --local to run the study on this machine" in done.err


# diff


def test_diff_exits_0_1_and_more(api, spec, make_text):
    assert cltctl("diff", spec).code == 1
    cltctl("apply", spec)
    done = cltctl("diff", spec)
    assert (done.code, done.out) == (0, "")
    spec.write_text(make_text(seeds=[0, 1]))
    done = cltctl("diff", spec)
    assert done.code == 1
    assert "+  seeds:\n+  - 0\n+  - 1\n" in done.out
    assert api.sent == [("apply", "small")]
    api.refuse = lambda _body: [Problem("spec.seeds", "too many")]
    assert cltctl("diff", spec).code == 2


# get


def running(**more):
    return {
        "phase": "Running",
        "done": "12/96",
        "failed": 1,
        "progress": "12%",
        "eta": "2h",
        **more,
    }


def test_get_shows_the_columns_of_the_cluster(api):
    api.add(EXPERIMENTS, experiment(status=running(running=3, gpuHours="1.50")))
    api.add(EXPERIMENTS, experiment("other"))
    rows = [line.split() for line in cltctl("get", "exp").out.splitlines()]
    assert rows[0] == ["NAME", "PHASE", "DONE", "FAILED", "PROGRESS", "ETA", "AGE"]
    assert [row[:2] for row in rows[1:]] == [["other", "Pending"], ["small", "Running"]]
    assert rows[2][2:6] == ["12/96", "1", "12%", "2h"]
    wide = cltctl("get", "exp", "-o", "wide").out
    assert "GPU-HOURS" in wide
    assert "1.50" in wide


def test_get_by_name_label_and_namespace(api):
    first = experiment()
    first["metadata"]["labels"] = {"team": "a"}
    api.add(EXPERIMENTS, first)
    api.add(EXPERIMENTS, experiment("other"))
    api.add(EXPERIMENTS, experiment("far"), "elsewhere")
    assert cltctl("get", "exp", "-o", "name", "-l", "team=a").out == "experiment.clt.dev/small\n"
    listed = cltctl("get", "exp", "-A").out.splitlines()
    assert [line.split()[:2] for line in listed[1:]] == [
        ["elsewhere", "far"],
        ["lab", "other"],
        ["lab", "small"],
    ]
    found = json.loads(cltctl("get", "exp", "other", "-o", "json").out)
    assert (found["kind"], found["metadata"]["name"]) == ("Experiment", "other")
    found = yaml.safe_load(cltctl("get", "exp", "-o", "yaml").out)
    assert [item["metadata"]["name"] for item in found["items"]] == ["other", "small"]
    assert cltctl("get", "exp", "small", "-A").code == 2


def test_get_of_nothing_says_so_beside_the_data(api):
    done = cltctl("get", "exp")
    assert (done.code, done.out, done.err) == (0, "", "no experiments in namespace lab\n")
    done = cltctl("get", "exp", "smal")
    assert (done.code, done.out) == (1, "")
    assert "no experiment 'smal' in namespace lab of https://fake: it has none" in done.err


def test_runs_and_steps_come_from_the_store_of_the_status(api, applied, monkeypatch):
    monkeypatch.delenv("CLT_STORE")
    applied.artifacts.write_root("lab", "small", applied.artifacts.root("default", "small"))
    data = applied.artifacts.experiment_file("default", "small", "lock.json")
    applied.artifacts.write_experiment_file("lab", "small", "lock.json", data)
    api.add(EXPERIMENTS, experiment(status={"storeUri": str(applied.artifacts.store.uri)}))
    assert len(cltctl("get", "runs", "small").out.splitlines()) == 4
    step = applied.steps[0]
    assert cltctl("describe", "small", step.key, "-o", "name").out == f"step/{step.key}\n"
    api.objects["experiments", "lab", "small"]["status"] = {}
    done = cltctl("get", "steps", "small")
    assert (done.code, done.out) == (1, "")
    assert "has no store yet: the operator has not accepted it" in done.err


# wishes


@pytest.mark.parametrize(
    ("verb", "field", "done"),
    [("suspend", "suspend", "suspended"), ("cancel", "cancel", "cancelled")],
)
def test_a_wish_is_a_field_of_the_spec(api, verb, field, done):
    api.add(EXPERIMENTS, experiment())
    assert cltctl(verb, "small").out == f"experiment.clt.dev/small {done}\n"
    assert live(api)["spec"][field] is True
    assert cltctl(verb, "small").out == "experiment.clt.dev/small unchanged\n"
    assert api.sent == [("patch", "small")]


def test_resume_takes_the_wish_back(api):
    api.add(EXPERIMENTS, experiment(suspend=True))
    assert cltctl("resume", "small").out == "experiment.clt.dev/small resumed\n"
    assert live(api)["spec"]["suspend"] is False
    assert cltctl("suspend", "nobody").code == 1


def test_retry_asks_by_annotation(api):
    api.add(EXPERIMENTS, experiment())
    done = cltctl("retry", "small", "abcdef12")
    assert done.out == "experiment.clt.dev/small asked to retry abcdef12\n"
    when, key = live(api)["metadata"]["annotations"]["clt.dev/retry"].split()
    assert (when[-1], key) == ("Z", "abcdef12")
    cltctl("retry", "small")
    assert " " not in live(api)["metadata"]["annotations"]["clt.dev/retry"]
    assert cltctl("retry", "small", "abc").code == 1


def test_delete_leaves_the_artifacts_and_says_so(api):
    api.add(EXPERIMENTS, experiment(status={"storeUri": "s3://studies/team"}))
    done = cltctl("delete", "small")
    assert (done.code, done.out) == (0, "experiment.clt.dev/small deleted\n")
    assert done.err == (
        "artifacts stay in s3://studies/team. to see what can go: "
        "cltctl gc --store s3://studies/team\n"
    )
    assert not list(api.list(EXPERIMENTS, "lab"))


def test_gc_takes_the_one_store_of_the_namespace(api, applied, monkeypatch):
    monkeypatch.delenv("CLT_STORE")
    assert "they use none yet" in cltctl("gc").err
    api.add(EXPERIMENTS, experiment(status={"storeUri": applied.artifacts.store.uri}))
    assert cltctl("gc").code == 0
    api.add(EXPERIMENTS, experiment("other", status={"storeUri": "s3://x/y"}))
    done = cltctl("gc")
    assert done.code == 2
    assert "name one store with --store" in done.err


# describe


def waits(api):
    job = {
        "metadata": {"name": "clt-train-1", "uid": "job-1", "labels": MEMBER},
        "spec": {"suspend": True},
        "status": {},
    }
    job["metadata"]["labels"] = {**MEMBER, "kueue.x-k8s.io/queue-name": "gpu"}
    api.add(JOBS, job)


def test_describe_explains_a_job_that_waits_for_quota(api):
    api.add(EXPERIMENTS, experiment(status=running(conditions=[condition("Accepted", "True")])))
    waits(api)
    api.groups["kueue.x-k8s.io"] = KUEUE
    api.add(LOCAL_QUEUES, {"metadata": {"name": "gpu"}, "spec": {"clusterQueue": "shared"}})
    api.add(CLUSTER_QUEUES, {"metadata": {"name": "shared"}, "spec": {}})
    message = (
        "couldn't assign flavors to pod set main: insufficient unused quota for cpu in flavor f, "
        "2 more needed"
    )
    api.add(
        WORKLOADS,
        {
            "metadata": {"name": "w", "labels": {"kueue.x-k8s.io/job-uid": "job-1"}},
            "spec": {},
            "status": {"conditions": [condition("QuotaReserved", "False", "Pending", message)]},
        },
    )
    told = (
        "1 Job waits for quota in ClusterQueue shared: insufficient unused quota for cpu in "
        "flavor f, 2 more needed"
    )
    done = cltctl("describe", "small")
    assert told in done.out
    (cause,) = json.loads(cltctl("describe", "small", "-o", "json").out)["waiting"]
    assert cause["what"] == told
    api.forbidden |= {"clusterqueues", "localqueues", "workloads"}
    assert "waits for Kueue to take note of it" in cltctl("describe", "small").out


def condition(kind, status, reason="", message=""):
    return {"type": kind, "status": status, "reason": reason, "message": message}


def test_describe_explains_what_holds_the_experiment_itself(api):
    api.add(EXPERIMENTS, experiment("new"))
    done = cltctl("describe", "new")
    assert "what: no operator has looked at this experiment yet" in done.out
    assert "next: cltctl doctor" in done.out
    conditions = [
        condition("Accepted", "False", "UnknownProfile", "no pool is called 'a'"),
        condition("Degraded", "True", "StoreUnavailable", "the store is silent"),
    ]
    api.add(EXPERIMENTS, experiment(status={"phase": "Pending", "conditions": conditions}))
    what = [c["what"] for c in json.loads(cltctl("describe", "small", "-o", "json").out)["waiting"]]
    assert what == [
        "it is not accepted: UnknownProfile: no pool is called 'a'",
        "StoreUnavailable: the store is silent",
    ]
    api.add(EXPERIMENTS, experiment("held", status={"phase": "Suspended"}))
    assert "next: cltctl resume held" in cltctl("describe", "held").out


def test_a_rejected_study_shows_every_problem_and_what_to_do(api):
    problems = ["spec.store: no store is called 'x' (it may use: main)", "spec.seeds: too many"]
    conditions = [condition("Accepted", "False", "InvalidSpec", "\n".join(problems))]
    api.add(EXPERIMENTS, experiment(status={"phase": "Rejected", "conditions": conditions}))
    found = json.loads(cltctl("describe", "small", "-o", "json").out)
    assert found["problems"] == problems
    assert found["waiting"][0]["next"].startswith("mend the spec, check it with cltctl plan")
    shown = cltctl("describe", "small").out.splitlines()
    at = shown.index("problems:")
    assert shown[at : at + 3] == ["problems:", *(f"  - {problem}" for problem in problems)]
    told = cltctl("get", "experiments").err.splitlines()
    assert told[0] == "small is rejected:"
    assert told[1:3] == [f"error: {problem}" for problem in problems]
    assert told[3].startswith("next: mend the spec")


def test_steps_of_a_job_that_waits_are_queued_and_say_for_what(api, applied, monkeypatch):
    monkeypatch.delenv("CLT_STORE")
    step = applied.first("train", k="10")
    for name in ("root.json", "lock.json"):
        data = applied.artifacts.experiment_file("default", "small", name)
        applied.artifacts.write_experiment_file("lab", "small", name, data)
    api.add(EXPERIMENTS, experiment(status={"storeUri": applied.artifacts.store.uri}))
    job_with_pod(api, 1, step.key, phase="Pending")

    def phase():
        rows = json.loads(cltctl("get", "steps", "small", "-o", "json").out)
        return next(row["phase"] for row in rows if row["key"] == step.key)

    assert phase() == "queued"
    assert cltctl("describe", "small", step.key).out.splitlines()[0] == "phase: queued"
    job_with_pod(api, 1, step.key)
    assert phase() == "running"


def test_describe_shows_counts_failures_and_the_latest_events(api):
    failures = [{"key": "k" * 64, "kind": "train", "name": "m", "attempts": 3, "message": "boom"}]
    counts = [{"kind": "train", "done": 2, "failed": 1, "pending": 0}]
    item = api.add(EXPERIMENTS, experiment(status=running(failures=failures, counts=counts)))
    for at, reason in ((2, "Later"), (1, "Sooner")):
        api.add(
            EVENTS,
            {
                "metadata": {"name": f"e{at}"},
                "regarding": {
                    "kind": "Experiment",
                    "name": "small",
                    "uid": item["metadata"]["uid"],
                },
                "type": "Warning",
                "reason": reason,
                "note": "something",
                "eventTime": f"2026-01-01T00:00:0{at}.000000Z",
            },
        )
    found = json.loads(cltctl("describe", "small", "-o", "json").out)
    assert found["stepsByKind"] == {"train": {"done": 2, "failed": 1}}
    assert found["failures"][0]["message"] == "boom"
    assert [line.split(": ", 1)[1] for line in found["events"]] == [
        "Warning Sooner: something",
        "Warning Later: something",
    ]
    api.objects["experiments", "lab", "small"]["metadata"]["generation"] = 2
    assert "an older spec" in cltctl("describe", "small").out


# logs


def test_logs_of_a_running_step_come_from_its_pod(api, applied, monkeypatch):
    monkeypatch.delenv("CLT_STORE")
    step, done = applied.first("train", k="10"), applied.first("train", k="20")
    applied.end(done, "committed", log=b"from the store\n")
    for name in ("root.json", "lock.json"):
        data = applied.artifacts.experiment_file("default", "small", name)
        applied.artifacts.write_experiment_file("lab", "small", name, data)
    api.add(EXPERIMENTS, experiment(status={"storeUri": applied.artifacts.store.uri}))
    args = ["--store", "s3://x", "--scratch", "/scratch", step.key]
    container = {"name": "steps", "image": "i", "args": args}
    job = {
        "metadata": {"name": "clt-train-1", "uid": "job-1", "labels": MEMBER},
        "spec": {"template": {"spec": {"containers": [container]}}},
        "status": {},
    }
    api.add(JOBS, job)
    pod = {
        "metadata": {
            "name": "clt-train-1-x",
            "labels": MEMBER,
            "ownerReferences": [{"kind": "Job", "uid": "job-1"}],
        },
        "spec": {"nodeName": "n1"},
        "status": {"phase": "Running"},
    }
    api.add(PODS, pod)
    api.logs["clt-train-1-x"] = [b"epoch 1", b"epoch 2"]
    assert cltctl("logs", "small", step.key).out == "epoch 1\nepoch 2\n"
    assert cltctl("logs", "small", step.key, "--tail", "1").out == "epoch 2\n"
    assert cltctl("logs", "small", done.key).out == "from the store\n"
    both = cltctl("logs", "small", "--kind", "train", "--all").out
    assert both.count("==> train") == 2
    described = json.loads(cltctl("describe", "small", step.key, "-o", "json").out)
    assert described["job"]["pods"] == ["clt-train-1-x Running on n1"]
    api.logs.clear()  # its node is gone: what was shipped to the store is told
    applied.end(step, "lost", log=b"shipped\n")
    done = cltctl("logs", "small", step.key)
    assert done.out == "shipped\n"
    assert "the log of pod clt-train-1-x cannot be read" in done.err


def job_with_pod(api, at, *keys, phase="Running"):
    args = ["--store", "s3://x", "--scratch", "/scratch", *keys]
    template = {"spec": {"containers": [{"name": "steps", "image": "i", "args": args}]}}
    meta = {"name": f"clt-train-{at}", "uid": f"job-{at}", "labels": MEMBER}
    api.add(JOBS, {"metadata": meta, "spec": {"template": template}, "status": {}})
    owner = {"kind": "Job", "uid": f"job-{at}"}
    meta = {"name": f"clt-train-{at}-x", "labels": MEMBER, "ownerReferences": [owner]}
    api.add(PODS, {"metadata": meta, "spec": {"nodeName": "n"}, "status": {"phase": phase}})


def test_following_an_experiment_sees_jobs_that_come_and_ends_with_it(api, monkeypatch):
    """Between two waves there is a moment without any Job."""
    monkeypatch.setattr("clt_operator.cli.pods.LOOK", 0.01)
    api.add(EXPERIMENTS, experiment(status=running()))
    looks = []

    def jobs_of(_api, _namespace, _name):
        looks.append(1)
        at = {1: "1", 2: "1", 20: "2", 21: "2"}.get(len(looks))
        if len(looks) > 40:
            api.objects["experiments", "lab", "small"]["status"]["phase"] = "Complete"
        return [] if at is None else [api.get(JOBS, f"clt-train-{at}", "lab")]

    for at in ("1", "2"):
        job_with_pod(api, at, at * 64)
        api.logs[f"clt-train-{at}-x"] = [f"line of {at}".encode()]
    monkeypatch.setattr("clt_operator.cli.scene.jobs_of", jobs_of)
    done = cltctl("logs", "small", "-f")
    assert done.code == 0
    assert done.out.splitlines() == ["clt-train-1-x | line of 1", "clt-train-2-x | line of 2"]


# doctor


def test_doctor_tells_what_is_missing_and_what_to_do(api, monkeypatch):
    monkeypatch.setattr("clt_operator.cli.doctor._crd", lambda _api: iter(()))
    api.forbidden |= {"jobs"}
    done = cltctl("doctor")
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines[0] == "✓ cluster: https://fake (context fake), Kubernetes v1.36.3"
    assert "✗ rights: in namespace lab you may not: list jobs" in lines
    assert "  next: ask for a RoleBinding to clt-editor in namespace lab" in lines
    assert any(
        line.startswith("✗ operator: no operator runs in namespace clt-sy") for line in lines
    )
    assert "- queues: no Kueue here: Jobs start at once, one node each" in lines


def test_doctor_finds_the_operator_alive_or_silent(api, monkeypatch):
    monkeypatch.setattr("clt_operator.cli.doctor._crd", lambda _api: iter(()))
    now = 1767225600.0  # of the stamps below
    monkeypatch.setattr("clt_operator.cli.doctor.time.time", lambda: now + 5)
    spec = {"holderIdentity": "pod-1", "renewTime": "2026-01-01T00:00:00.000000Z"}
    api.add(LEASES, {"metadata": {"name": "clt-operator"}, "spec": spec}, "clt-system")
    checks = {c["name"]: c for c in json.loads(cltctl("doctor", "-o", "json").out)}
    assert checks["operator"]["ok"] is True
    assert checks["clock of the API server"]["ok"] is True
    monkeypatch.setattr("clt_operator.cli.doctor.time.time", lambda: now + 120)
    checks = {c["name"]: c for c in json.loads(cltctl("doctor", "-o", "json").out)}
    assert checks["operator"]["detail"].endswith("was last heard of 120 s ago")
    assert checks["clock of the API server"]["ok"] is False
    assert cltctl("doctor", "-o", "name").out.split("\n")[:2] == [
        "operator",
        "clock of the API server",
    ]


def test_doctor_looks_at_queues_and_profiles(api, monkeypatch):
    monkeypatch.setattr("clt_operator.cli.doctor._crd", lambda _api: iter(()))
    api.groups["kueue.x-k8s.io"] = KUEUE
    api.add(LOCAL_QUEUES, {"metadata": {"name": "gpu"}, "spec": {"clusterQueue": "shared"}})
    profiles = "stores: {team: {uri: s3://studies/team, namespaces: [other]}}"
    api.add(
        CONFIGMAPS,
        {"metadata": {"name": "clt-profiles"}, "data": {"profiles.yaml": profiles}},
        "clt-system",
    )
    checks = {c["name"]: c for c in json.loads(cltctl("doctor", "-o", "json").out)}
    assert checks["queue gpu"]["detail"] == (
        "Jobs wait for queue gpu, whose ClusterQueue shared does not exist"
    )
    assert checks["profiles"]["detail"] == "namespace lab may use no store"
