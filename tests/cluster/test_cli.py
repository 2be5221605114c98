"""cltctl on a real API server, by a researcher who has the rights of one namespace."""

import json
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from cluster.harness.experiments import small_study
from cluster.harness.operator import RIGHTS
from cluster.harness.waiting import until
from support.commands import CLTCTL, Done, cltctl, cltctl_process

RULES = [*RIGHTS["editor"], *RIGHTS["reader"]]  # the operator's namespace is theirs here
AGENT = "cltctl"


class User:
    """A researcher at a terminal: a spec, a kubeconfig, keys for the store."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self.spec, self.environment = root / "study.yaml", environment
        self.write(small_study(seeds=[0]))

    def write(self, spec: dict, name: str = "study") -> None:
        head = {"apiVersion": "clt.dev/v1alpha1", "kind": "Experiment", "metadata": {"name": name}}
        text = yaml.safe_dump({**head, "spec": spec}, sort_keys=False, allow_unicode=True)
        self.spec.write_text(text, encoding="utf-8")

    def run(self, *words: object) -> Done:
        return cltctl(*words, env=self.environment)

    def start(self, *words: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(CLTCTL), *map(str, words)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def json(self, *words: object) -> dict:
        done = self.run(*words, "-o", "json")
        assert done.code == 0, done.err
        return json.loads(done.out)

    def waiting(self, name: str = "study") -> list[str]:
        return [cause["what"] for cause in self.json("describe", name)["waiting"]]


@pytest.fixture
def user(cluster, crd_installed, namespace, store, profiles, tmp_path, monkeypatch) -> User:
    for name in ("CLT_STORE", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    kubeconfig = cluster.account(namespace, "researcher", rules=RULES)
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "KUBECONFIG": str(kubeconfig),
        "CLT_SYSTEM_NAMESPACE": namespace,
        **store.credentials,  # the endpoint is told by the profile
    }
    return User(tmp_path, environment)


@pytest.fixture
def finished(user, operator, stub) -> User:
    """With a study that is complete."""
    done = user.run("apply", user.spec, "--wait", "--timeout", "5m")
    assert done.code == 0, done.err
    return user


# apply and diff


def test_applied_twice_it_is_unchanged_and_nothing_is_written(cluster, user):
    first = user.run("apply", user.spec)
    assert (first.code, first.out) == (0, "experiment.clt.dev/study created\n")
    mark = cluster.audit.mark()
    again = user.run("apply", user.spec)
    assert (again.code, again.out) == (0, "experiment.clt.dev/study unchanged\n")
    writes = [r for r in cluster.audit.writes(mark, agent=AGENT) if "dryRun=All" not in r.uri]
    assert writes == []
    assert cluster.audit.since(mark, agent=AGENT), "it did ask"


def test_a_change_is_shown_by_diff_and_configured_by_apply(user):
    assert user.run("diff", user.spec).code == 1
    user.run("apply", user.spec)
    assert user.run("diff", user.spec).code == 0
    user.write(small_study(seeds=[0, 1]))
    done = user.run("diff", user.spec)
    assert done.code == 1
    assert "   - 0\n+  - 1\n" in done.out.replace("  seeds:\n", "")
    assert user.run("apply", user.spec).out == "experiment.clt.dev/study configured\n"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train": {"batchSize": 1}}, "spec.train.batchSize was set by kubectl-patch"),
        ({"seeds": [0, 7]}, "spec.seeds "),
    ],
    ids=["a field", "an entry"],
)
def test_what_another_set_is_a_conflict_that_can_be_taken_over(
    cluster, namespace, user, change, message
):
    user.run("apply", user.spec)
    before = user.json("get", "experiments", "study")["spec"]
    patch = json.dumps({"spec": change})
    cluster.kubectl("-n", namespace, "patch", "experiment", "study", "--type=merge", "-p", patch)
    done = user.run("apply", user.spec)
    assert (done.code, done.out) == (1, "")
    assert message in done.err
    assert "--force-conflicts" in done.err
    forced = user.run("apply", user.spec, "--force-conflicts")
    assert forced.out == "experiment.clt.dev/study configured\n"
    assert user.json("get", "experiments", "study")["spec"] == before
    assert user.run("apply", user.spec).out == "experiment.clt.dev/study unchanged\n"


def test_suspend_and_apply_leave_each_other_alone(user):
    user.run("apply", user.spec)
    user.run("suspend", "study")
    user.write(small_study(seeds=[0, 1]))
    assert user.run("apply", user.spec).out == "experiment.clt.dev/study configured\n"
    spec = user.json("get", "experiments", "study")["spec"]
    assert (spec["suspend"], spec["seeds"]) == (True, [0, 1])
    user.run("resume", "study")
    assert user.run("apply", user.spec).out == "experiment.clt.dev/study unchanged\n"
    assert not user.json("get", "experiments", "study")["spec"].get("suspend")


def test_what_the_profiles_do_not_offer_is_refused_at_its_line(user):
    user.write(small_study("tpu"))
    done = user.run("apply", user.spec)
    assert (done.code, done.out) == (2, "")
    assert "study.yaml:" in done.err
    assert "no pool is called 'tpu'" in done.err
    assert user.run("get", "experiments").err.startswith("no experiments in namespace")


def test_a_dry_run_creates_nothing(user):
    assert user.run("apply", user.spec, "--dry-run").out == (
        "experiment.clt.dev/study created (dry run)\n"
    )
    assert user.run("get", "experiments", "study").code == 1


# a whole life


def test_a_study_from_apply_to_report(finished, tmp_path):
    user = finished
    (row,) = [line.split() for line in user.run("get", "experiments").out.splitlines()[1:]]
    assert row[:2] == ["study", "Complete"]
    done, total = row[2].split("/")
    assert done == total
    assert len(user.json("get", "steps", "study")) >= int(total)
    assert {run["phase"] for run in user.json("get", "runs", "study")} == {"done"}
    described = user.json("describe", "study")
    assert (described["phase"], described["waiting"]) == ("Complete", [])
    assert described["events"]
    assert user.run("wait", "study").out == "experiment.clt.dev/study complete\n"
    assert user.run("wait", "study", "--for", "condition=complete").code == 0
    assert user.run("wait", "study", "--for", "failed").code == 1
    logs = user.run("logs", "study", "--all", "--kind", "train")
    assert (logs.code, "==> train" in logs.out) == (0, True)
    diff = user.run("diff", user.spec)
    assert (diff.code, diff.err) == (
        0,
        f"steps: {len(user.json('get', 'steps', 'study'))} kept, 0 new\n",
    )
    doctor = {check["name"]: check for check in user.json("doctor")}
    assert {name for name, check in doctor.items() if check["ok"] is False} == set()
    assert doctor["store main"]["ok"] is True
    assert doctor["operator"]["ok"] is True


def test_what_is_invalidated_is_computed_again_at_once(finished, stub):
    user = finished
    before = sum(stub.commits().values())
    done = user.run("invalidate", "study", "--kind", "collect", "--reason", "a wrong table")
    assert done.code == 0, done.err
    assert done.out.splitlines()[0] == "2 results: 1 collect, 1 report"
    until(lambda: sum(stub.commits().values()) == before + 2, 60, what="both were made again")
    assert user.run("wait", "study", "--timeout", "60s").code == 0


def test_an_upgrade_of_what_did_not_change_computes_nothing(finished, stub):
    user = finished
    before = sum(stub.commits().values())
    dry = user.run("upgrade", "study", "--dry-run")
    total = len(user.json("get", "steps", "study"))
    assert dry.out == f"experiment/study: 0 of {total} steps have a new key\n"
    assert user.run("upgrade", user.spec).code == 0
    wanted = user.json("get", "experiments", "study")["metadata"]["annotations"]
    until(
        lambda: (
            user.json("get", "experiments", "study")["status"].get("handledRequest")
            == wanted["clt.dev/requested-at"]
        ),
        60,
        what="the operator looked again",
    )
    assert sum(stub.commits().values()) == before


def test_deleted_it_leaves_results_that_a_collection_frees(finished, store):
    user = finished
    kept = len(store.artifacts.committed())
    assert user.run("delete", "study").code == 0
    assert user.run("wait", "study", "--for", "delete", "--timeout", "30s").code == 0
    until(lambda: store.artifacts.roots() == [], 60, what="the operator drops the root")
    assert len(store.artifacts.committed()) == kept
    in_store = {**user.environment, **store.environment}
    shown = cltctl("gc", "--store", store.uri, "--grace", "0", env=in_store)
    assert "would free" in shown.err
    done = cltctl("gc", "--store", store.uri, "--grace", "0", "--yes", env=in_store)
    assert done.code == 0, done.err
    assert list(store.artifacts.store.list("")) == []


def test_failed_steps_are_tried_again_when_asked(user, operator, stub):
    stub.add(kind="train", ends="fail", code=65)
    done = user.run("apply", user.spec, "--wait", "--timeout", "5m")
    assert done.code == 1, done.err
    assert "failed: train" in done.err
    assert user.run("wait", "study", "--for", "failed").code == 0
    assert "==> train" in user.run("logs", "study").out
    stub.script.clear()
    assert user.run("retry", "study").code == 0
    assert user.run("wait", "study", "--timeout", "3m").out == "experiment.clt.dev/study complete\n"


def test_suspended_it_has_no_jobs_and_resumed_it_goes_on(
    user, operator, stub, cluster, namespace, experiments
):
    gate = stub.hold(kind="train")
    user.run("apply", user.spec)
    stub.working(kind="train")
    user.run("suspend", "study")
    until(lambda: cluster.jobs(namespace) == [], 60, what="its Jobs are gone")
    experiments.wait("Suspended")
    assert any("it is suspended" in what for what in user.waiting())
    gate.set()
    user.run("resume", "study")
    assert user.run("wait", "study", "--timeout", "3m").code == 0


def test_cancelled_it_keeps_what_it_committed(user, operator, stub, cluster, namespace, store):
    stub.hold(kind="train")
    user.run("apply", user.spec)
    stub.working(kind="train")
    kept = store.artifacts.committed()
    assert user.run("cancel", "study", "--yes").out == "experiment.clt.dev/study cancelled\n"
    until(lambda: cluster.jobs(namespace) == [], 60, what="its Jobs are gone")
    done = user.run("wait", "study", "--timeout", "60s")
    assert done.code == 1
    assert "experiment study is failed" in done.err
    assert kept <= store.artifacts.committed()


# looking on


def test_get_watch_and_follow_see_what_comes(user, operator, stub):
    gate = stub.hold(kind="train")
    user.run("apply", user.spec)
    watching = user.start("get", "experiments", "-w")
    seen: list[str] = []
    reader = threading.Thread(target=lambda: seen.extend(watching.stdout or ()), daemon=True)
    reader.start()
    stub.working(kind="train")
    gate.set()
    assert user.run("wait", "study", "--timeout", "3m").code == 0
    until(lambda: any("Complete" in line for line in seen), 30, what="the end is shown")
    watching.send_signal(signal.SIGINT)
    assert watching.wait(timeout=30) == 130
    assert seen[0].split()[:3] == ["NAME", "PHASE", "DONE"]
    assert any("Running" in line for line in seen)


def test_waiting_is_given_up_after_a_while(user):
    user.run("apply", user.spec)
    done = user.run("wait", "study", "--timeout", "1s")
    assert (done.code, done.out) == (1, "")
    assert done.err.endswith("error: timed out waiting for experiment study after 1 s\n")


# why is it pending


def test_describe_explains_quota(user, operator, stub, kueue, namespace):
    queue = kueue.queue(namespace, cpu="1")
    spec = small_study(seeds=[0])
    spec["compute"]["queue"] = queue
    user.write(spec)
    gate = stub.hold()
    user.run("apply", user.spec)
    stub.working()
    told = "wait"

    def explained() -> str:
        return next((w for w in user.waiting() if "for quota in" in w), "")

    told = until(explained, 60, what="describe tells of the quota")
    assert "insufficient unused quota for cpu in flavor" in told
    assert f"ClusterQueue {namespace}-{queue}" in told
    assert "more needed" in told
    gate.set()


def test_describe_explains_a_request_beyond_all_quota(user, operator, kueue, namespace):
    queue = kueue.queue(namespace, memory="1Gi")
    spec = small_study(seeds=[0])
    spec["compute"]["queue"] = queue
    user.write(spec)
    user.run("apply", user.spec)
    until(
        lambda: any("for more than it can ever give" in what for what in user.waiting()),
        60,
        what="describe tells that it never fits",
    )


def test_describe_explains_a_stopped_queue_that_a_user_may_read(
    user, operator, kueue, namespace, cluster
):
    queue = kueue.queue(namespace)
    patch = json.dumps({"spec": {"stopPolicy": "Hold"}})
    cluster.kubectl("-n", namespace, "patch", "localqueue", queue, "--type=merge", "-p", patch)
    spec = small_study(seeds=[0])
    spec["compute"]["queue"] = queue
    user.write(spec)
    user.run("apply", user.spec)
    until(
        lambda: any(f"queue {queue}, which is stopped (Hold)" in w for w in user.waiting()),
        60,
        what="describe tells of the queue",
    )
    assert user.run("doctor").code == 1


@pytest.fixture
def explained(user, operator) -> Callable[[str], str]:
    """Applies the study; the sentence of describe that holds some words."""

    def explain(words: str) -> str:
        assert user.run("apply", user.spec).code == 0
        return until(
            lambda: next((what for what in user.waiting() if words in what), ""),
            90,
            what=f"describe says {words!r}",
        )

    return explain


def test_describe_explains_a_missing_image(user, profiles, explained):
    profiles(image="missing.invalid/clt-jobs:1")
    told = explained("cannot get")
    assert "missing.invalid/clt-jobs:1" in told


def test_describe_explains_a_missing_secret(user, profiles, store, explained):
    entry = {"uri": store.uri, "secret": "missing-keys", "environment": store.plain_environment}
    profiles(stores={"main": entry})
    assert explained("secret missing-keys").endswith("which is not in this namespace")


def test_describe_explains_a_pool_without_nodes(user, profiles, explained):
    profiles(pools={"cpu": {"nodeSelector": {"clt.dev/pool": "none"}}})
    assert "find" in explained("node")  # this user may not look at nodes: the scheduler is quoted


def test_describe_explains_a_resource_quota(user, cluster, namespace, explained):
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "team", "namespace": namespace},
            "spec": {"hard": {"pods": "0"}},
        }
    )
    assert "exceeded quota: team" in explained("ResourceQuota")


# rights and places


def test_doctor_names_the_rights_that_are_missing(cluster, namespace, user):
    kubeconfig = cluster.account(namespace, "visitor", rules=RULES[1:3])
    user.environment["KUBECONFIG"] = str(kubeconfig)
    done = user.run("doctor")
    assert done.code == 1
    assert f"✗ rights: in namespace {namespace} you may not: get experiments" in done.out
    assert f"ask for a RoleBinding to clt-editor in namespace {namespace}" in done.out
    assert "✗ operator" in done.out or "- operator" in done.out
    assert user.run("get", "experiments").code == 1


def test_another_namespace_is_not_this_users(user):
    done = user.run("get", "experiments", "-n", "default")
    assert (done.code, done.out) == (1, "")
    assert "ask for a Role and a RoleBinding" in done.err


# without an operator


def test_a_study_is_driven_from_here_without_an_operator(cluster, namespace, user, stub, store):
    user.environment["KUBECONFIG"] = str(cluster.account(namespace, "driver", role="edit"))
    done = user.run("apply", user.spec, "--foreground")
    assert (done.code, done.out) == (0, "experiment/study complete\n"), done.err
    until(lambda: cluster.jobs(namespace) == [], 60, what="its Jobs are gone")
    again = user.run("apply", user.spec, "--foreground")
    assert again.code == 0
    assert "0 steps executed" in again.err


def test_interrupted_it_lets_its_jobs_save_and_goes_on_when_called_again(
    cluster, namespace, user, stub
):
    user.environment["KUBECONFIG"] = str(cluster.account(namespace, "driver", role="edit"))
    gate = stub.hold(kind="train")
    driving = user.start("apply", user.spec, "--foreground")
    stub.working(kind="train")
    driving.send_signal(signal.SIGINT)
    _, talk = driving.communicate(timeout=60)
    assert driving.returncode == 130, talk
    assert "stopped; what is committed stays" in talk
    until(lambda: cluster.jobs(namespace) == [], 60, what="its Jobs are gone")
    assert [record.outcome for record in stub.attempts(kind="train")] == ["saved"]
    gate.set()
    done = user.run("apply", user.spec, "--foreground")
    assert done.code == 0, done.err


# at the shell


def test_names_are_completed_from_the_cluster(user):
    user.run("apply", user.spec)
    asked = {"_CLTCTL_COMPLETE": "complete_bash", "COMP_CWORD": "2"}
    words = {"COMP_WORDS": "cltctl describe st"}
    assert cltctl_process(env=user.environment | asked | words).out.split() == ["study"]
