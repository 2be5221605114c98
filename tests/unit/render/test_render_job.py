"""A Job's name, labels, pod and limits, as the design promises them."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from support.render_samples import (
    COMPUTE,
    NODES,
    QUEUE,
    SETTINGS,
    fetch_step,
    generate_step,
    graph_of,
    samples,
    score_steps,
    train_step,
)

from clt_operator.api import telemetry
from clt_operator.api.base import Params
from clt_operator.api.errors import SpecError
from clt_operator.api.spec.compute import ComputeSpec, ResourcesSpec
from clt_operator.api.step import Work, make_step
from clt_operator.reconcile.policy import MAX_BATCH
from clt_operator.render.job import (
    MAX_KEYS,
    PRIORITY_LABEL,
    QUEUE_LABEL,
    render_batch,
    render_experiment,
)
from clt_operator.render.labels import annotations, job_name, labels, sanitised
from clt_operator.render.profiles import (
    CacheProfile,
    Owner,
    PoolProfile,
    PriorityProfile,
    Settings,
    StoreProfile,
)

LABEL = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def container(job):
    return job["spec"]["template"]["spec"]["containers"][0]


def pod_of(job):
    return job["spec"]["template"]["spec"]


def environment(job):
    return {entry["name"]: entry.get("value") for entry in container(job)["env"]}


def jobs():
    return {
        name: next(m for m in manifests if m["kind"] == "Job")
        for name, manifests in samples().items()
    }


def plugin_step(kind, labels=()):
    params = type("PluginParams", (Params,), {"kind": kind})
    return make_step(Work(params()), (), dict(labels))


# Names


def test_promise_shared_steps_a_name_derives_from_the_key_never_from_the_experiment():
    step = train_step()
    relabelled = make_step(step.work, step.inputs, {"sweep": "another", "k": "7"})
    assert job_name([step]) == job_name([relabelled]) == f"clt-train-{step.key[:16]}"
    other = Settings("other:2", "elsewhere", SETTINGS.store)
    assert render_batch([step], ComputeSpec(), other)[0]["metadata"]["name"] == job_name([step])


def test_the_name_of_several_steps_depends_on_the_set_of_keys():
    steps = score_steps(3)
    assert job_name(steps) == job_name(steps[::-1])
    assert job_name(steps) != job_name(steps[:2])
    assert job_name(steps[:1]) == f"clt-score-{steps[0].key[:16]}"


@given(st.text(min_size=1, max_size=100))
def test_names_and_labels_are_valid_whatever_a_plug_in_calls_itself(kind):
    step = plugin_step(kind)
    name = job_name([step])
    assert NAME.fullmatch(name)
    assert NAME.fullmatch(f"{name}-999")
    for value in labels([step]).values():
        assert value == "" or LABEL.fullmatch(value)


# Labels and annotations


@given(st.text(max_size=200))
def test_a_label_value_is_always_one_that_kubernetes_takes(value):
    clean = sanitised(value)
    assert clean == "" or LABEL.fullmatch(clean)


def test_promise_bounded_labels_only_known_ones_are_shown():
    step = plugin_step("train", {"task": "MR", "prompt": "free text", "key": "0" * 64})
    assert set(labels([step])) == {
        "app.kubernetes.io/name",
        "app.kubernetes.io/component",
        "app.kubernetes.io/managed-by",
        "app.kubernetes.io/part-of",
        "clt.dev/kind",
        "clt.dev/task",
    }


def test_several_steps_show_what_they_agree_on():
    shown = labels(score_steps(3))
    assert shown["clt.dev/task"] == "MR"
    assert "clt.dev/language" not in shown
    notes = annotations(score_steps(3))
    assert notes == {"clt.dev/summary": "3 steps score task=MR metric=numeric"}


def test_the_text_that_a_label_cannot_hold_is_in_the_summary():
    job = jobs()["one-train-on-a-gpu"]
    assert job["metadata"]["labels"]["clt.dev/task"] == "MR-IF"
    assert "task=MR+IF" in job["metadata"]["annotations"]["clt.dev/summary"]


def test_summaries_are_bounded():
    step = plugin_step("train", {"task": "x" * 5000})
    assert len(annotations([step])["clt.dev/summary"]) == 256


# Failure and retry


def test_promise_exit_codes_retries_belong_to_reconcile():
    for job in jobs().values():
        assert job["spec"]["backoffLimit"] == 0
        assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"
        assert job["spec"]["podReplacementPolicy"] == "Failed"
        assert "ttlSecondsAfterFinished" not in job["spec"]


def test_promise_exit_codes_disruption_is_ignored_on_single_pod_jobs_only():
    made = jobs()
    several = made.pop("one-train-on-several-nodes")
    assert "podFailurePolicy" not in several["spec"]
    for job in made.values():
        (rule,) = job["spec"]["podFailurePolicy"]["rules"]
        assert rule["action"] == "Ignore"
        assert rule["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]


def test_a_deadline_is_set_where_one_is_asked_for():
    assert jobs()["one-train-on-a-gpu"]["spec"]["activeDeadlineSeconds"] == 86400
    assert "activeDeadlineSeconds" not in jobs()["one-fetch"]["spec"]


def test_only_training_is_kept_from_being_moved():
    for name, job in jobs().items():
        notes = job["spec"]["template"]["metadata"]["annotations"]
        stays = notes.get("karpenter.sh/do-not-disrupt") == "true"
        safe = notes.get("cluster-autoscaler.kubernetes.io/safe-to-evict") == "false"
        assert stays == safe == ("train" in name)


def test_a_queue_admits_the_job():
    queued = jobs()["one-generate-in-a-queue"]
    assert queued["spec"]["suspend"] is True
    assert queued["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "research"
    free = jobs()["one-fetch"]
    assert "suspend" not in free["spec"]
    assert "kueue.x-k8s.io/queue-name" not in free["metadata"]["labels"]


def test_the_queue_of_a_spec_wins_over_the_pools_and_that_over_the_installations():
    pools = {"gpu": PoolProfile(queue="gpus")}
    settings = Settings(SETTINGS.image, "n", SETTINGS.store, pools, queue="default")
    queues = [
        render_batch([step], compute, settings)[0]["metadata"]["labels"][QUEUE_LABEL]
        for step, compute in (
            (train_step(), QUEUE),
            (train_step(), COMPUTE),
            (fetch_step(), COMPUTE),
        )
    ]
    assert queues == ["research", "gpus", "default"]


def test_a_priority_is_of_admission_in_a_queue_and_of_pods_anywhere():
    priorities = {"train": PriorityProfile(workload="first", pod="high")}
    settings = replace(SETTINGS, priorities=priorities)
    (queued,) = render_batch([train_step()], QUEUE, settings)
    (free,) = render_batch([train_step()], COMPUTE, settings)
    (other,) = render_batch([generate_step(train_step())], QUEUE, settings)
    assert queued["metadata"]["labels"][PRIORITY_LABEL] == "first"
    assert PRIORITY_LABEL not in free["metadata"]["labels"]
    assert PRIORITY_LABEL not in other["metadata"]["labels"]
    classes = [pod_of(job)["priorityClassName"] for job in (queued, free, other)]
    assert classes == ["high", "high", "research"]


# Owners


def test_promise_shared_steps_the_creator_is_one_owner_of_several_and_none_controls():
    owner = Owner("study", uid="1-2-3")
    service, job = render_batch([train_step()], NODES, SETTINGS, owner)
    assert job["metadata"]["labels"]["member.clt.dev/study"] == "true"
    assert job["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "clt.dev/v1alpha1",
            "kind": "Experiment",
            "name": "study",
            "uid": "1-2-3",
            "controller": False,
            "blockOwnerDeletion": False,
        }
    ]
    assert "ownerReferences" not in service["metadata"]
    assert "member.clt.dev/study" not in job["spec"]["template"]["metadata"]["labels"]


def test_without_an_object_a_label_alone_says_who_wants_a_job():
    (job,) = render_batch([fetch_step()], COMPUTE, SETTINGS, Owner("study"))
    assert job["metadata"]["labels"]["member.clt.dev/study"] == "true"
    assert "ownerReferences" not in job["metadata"]


def test_the_job_and_its_pods_bear_the_name_of_the_experiment_that_made_them():
    (job,) = render_batch([fetch_step()], COMPUTE, SETTINGS, Owner("study"))
    (other,) = render_batch([fetch_step()], COMPUTE, SETTINGS, Owner("another"))
    pod = job["spec"]["template"]
    assert job["metadata"]["labels"]["clt.dev/experiment"] == "study"
    assert pod["metadata"]["labels"]["clt.dev/experiment"] == "study"
    assert job["metadata"]["name"] == other["metadata"]["name"], "it never enters the Job's name"


def test_a_pod_offers_its_metrics_at_the_port_that_its_runner_is_told():
    (job,) = render_batch([fetch_step()], COMPUTE, SETTINGS)
    (container,) = pod_of(job)["containers"]
    (port,) = container["ports"]
    told = {v["name"]: v.get("value") for v in container["env"]}["CLT_METRICS_PORT"]
    assert port == {"name": "metrics", "containerPort": telemetry.PORT, "protocol": "TCP"}
    assert told == str(telemetry.PORT)


# The pod


def test_promise_least_privilege_pods_are_restricted():
    for job in jobs().values():
        pod = job["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 65532
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container(job)["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        allowed = {"name", "emptyDir", "ephemeral", "persistentVolumeClaim"}
        assert not [volume for volume in pod["volumes"] if volume.keys() - allowed]


def test_promise_least_privilege_only_fetch_reaches_a_hub():
    made = jobs()
    fetch = made.pop("one-fetch")
    assert "HF_HUB_OFFLINE" not in environment(fetch)
    assert {"secretRef": {"name": "hub-token"}} in container(fetch)["envFrom"]
    for job in made.values():
        assert environment(job)["HF_HUB_OFFLINE"] == "1"
        assert container(job)["envFrom"] == [{"secretRef": {"name": "research-store"}}]


def test_promise_a_job_tells_its_own_truth():
    steps = score_steps(2)
    job = jobs()["several-scores"]
    assert container(job)["command"] == ["python", "-m", "clt_jobs.runner"]
    arguments = container(job)["args"]
    assert arguments[:2] == ["--store", "s3://research/clt"]
    assert arguments[-3:-1] == [step.key for step in steps]
    assert environment(job)["CLT_STORE"] == "s3://research/clt"


def test_threads_and_the_pod_are_told_to_the_steps():
    job = jobs()["one-train-on-a-gpu"]
    assert environment(job)["OMP_NUM_THREADS"] == "4"
    uid = next(entry for entry in container(job)["env"] if entry["name"] == "CLT_POD_UID")
    assert uid["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.uid"}}


def test_each_kind_runs_by_its_section_of_compute():
    compute = ComputeSpec(
        **{
            section: ResourcesSpec(image=f"image-{section}")
            for section in ("train", "evaluate", "data", "report")
        }
    )
    kinds = {
        "train": "train", "generate": "evaluate", "likelihood": "evaluate", "fetch": "data",
        "derive": "data", "prepare": "data", "score": "data", "collect": "report",
        "report": "report", "a-plug-in": "data",
    }  # fmt: skip
    for kind, section in kinds.items():
        (job,) = render_batch([plugin_step(kind)], compute, SETTINGS)
        assert container(job)["image"] == f"image-{section}"


def test_a_pool_gives_nodes_and_its_own_name_for_gpus():
    amd = ComputeSpec(train=ResourcesSpec(pool="amd", gpus=2))
    (job,) = render_batch([train_step()], amd, SETTINGS)
    amounts = container(job)["resources"]
    assert amounts["limits"] == {"memory": "4Gi", "amd.com/gpu": "2"}
    assert amounts["requests"] == {"cpu": "1", "memory": "4Gi", "amd.com/gpu": "2"}
    gpu = jobs()["one-train-on-a-gpu"]["spec"]["template"]["spec"]
    assert gpu["runtimeClassName"] == "nvidia"
    assert gpu["priorityClassName"] == "research"
    assert gpu["tolerations"][0] == {
        "key": "nvidia.com/gpu",
        "operator": "Exists",
        "effect": "NoSchedule",
    }
    assert gpu["nodeSelector"]["accelerator"] == "a"


def test_an_unknown_pool_is_refused_with_its_field_and_the_nearest_name():
    compute = ComputeSpec(evaluate=ResourcesSpec(pool="gpus"))
    with pytest.raises(SpecError) as caught:
        render_batch([generate_step(train_step())], compute, SETTINGS)
    assert str(caught.value) == (
        "spec.compute.evaluate.pool: no pool is called 'gpus' (did you mean 'gpu'?)"
    )


def test_without_profiles_a_pool_is_a_node_label():
    settings = Settings("image", "n", SETTINGS.store)
    (job,) = render_batch([train_step()], COMPUTE, settings)
    assert job["spec"]["template"]["spec"]["nodeSelector"] == {"clt.dev/pool": "gpu"}


def test_pods_run_as_the_service_account_of_the_store_and_hold_no_token():
    store = StoreProfile(uri="s3://b", service_account="store-user")
    settings = replace(SETTINGS, store=store, image_pull_secrets=("registry",), hub_secret="")
    (job,) = render_batch([fetch_step()], COMPUTE, settings)
    assert pod_of(job)["serviceAccountName"] == "store-user"
    assert pod_of(job)["automountServiceAccountToken"] is False
    assert pod_of(job)["imagePullSecrets"] == [{"name": "registry"}]
    assert "envFrom" not in container(job)


def test_only_fetch_is_told_where_the_hub_is():
    settings = replace(SETTINGS, hub_address="https://hub.example")
    (fetch,) = render_batch([fetch_step()], COMPUTE, settings)
    (train,) = render_batch([train_step()], COMPUTE, settings)
    assert environment(fetch)["HF_ENDPOINT"] == "https://hub.example"
    assert "HF_ENDPOINT" not in environment(train)


@pytest.mark.parametrize(
    ("cache", "volume"),
    [
        (CacheProfile(claim="weights"), {"persistentVolumeClaim": {"claimName": "weights"}}),
        (
            CacheProfile(storage_class="fast", size="50Gi"),
            {
                "ephemeral": {
                    "volumeClaimTemplate": {
                        "spec": {
                            "accessModes": ["ReadWriteOnce"],
                            "storageClassName": "fast",
                            "resources": {"requests": {"storage": "50Gi"}},
                        }
                    }
                }
            },
        ),
    ],
)
def test_pods_that_read_models_get_the_cache_of_their_pool(cache, volume):
    settings = replace(SETTINGS, pools={"gpu": PoolProfile(weight_cache=cache)})
    (train,) = render_batch([train_step()], COMPUTE, settings)
    (fetch,) = render_batch([fetch_step()], COMPUTE, settings)
    assert pod_of(train)["volumes"][-1] == {"name": "cache", **volume}
    assert container(train)["volumeMounts"][-1] == {"name": "cache", "mountPath": "/cache"}
    assert environment(train)["CLT_CACHE"] == "/cache"
    assert "CLT_CACHE" not in environment(fetch)
    assert len(pod_of(fetch)["volumes"]) == 2


def test_what_an_installation_adds_replaces_nothing():
    settings = replace(
        SETTINGS, labels={"team": "x", "clt.dev/kind": "y"}, annotations={"clt.dev/summary": "z"}
    )
    (job,) = render_batch([fetch_step()], COMPUTE, settings)
    for meta in (job["metadata"], job["spec"]["template"]["metadata"]):
        assert meta["labels"]["team"] == "x"
        assert meta["labels"]["clt.dev/kind"] == "fetch"
        assert meta["annotations"]["clt.dev/summary"].startswith("fetch")


# Several nodes


def test_several_nodes_without_a_queue_are_refused():
    with pytest.raises(SpecError, match=r"spec\.compute\.train\.nodes: 4 nodes need a queue"):
        render_batch([train_step()], NODES.model_copy(update={"queue": ""}), SETTINGS)


def test_pods_of_several_nodes_meet_at_the_first():
    service, job = render_batch([train_step()], NODES, SETTINGS)
    name = job["metadata"]["name"]
    assert job["spec"]["completionMode"] == "Indexed"
    assert job["spec"]["completions"] == job["spec"]["parallelism"] == 4
    assert job["spec"]["template"]["spec"]["subdomain"] == service["metadata"]["name"] == name
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is True
    assert service["spec"]["selector"] == {"batch.kubernetes.io/job-name": name}
    told = environment(job)
    assert told["PET_MASTER_ADDR"] == f"{name}-0.{name}"
    assert (told["PET_NNODES"], told["PET_NPROC_PER_NODE"]) == ("4", "8")


def test_gpus_of_one_pod_are_one_process_each_for_kinds_that_compute_together():
    resources = ResourcesSpec(gpus=8)
    compute = ComputeSpec(train=resources, evaluate=resources)
    (train,) = render_batch([train_step()], compute, SETTINGS)
    (generate,) = render_batch([generate_step(train_step())], compute, SETTINGS)
    told = {n: v for n, v in environment(train).items() if n.startswith("PET_")}
    assert told == {"PET_NPROC_PER_NODE": "8"}
    assert "PET_NPROC_PER_NODE" not in environment(generate)


def test_a_kind_that_one_process_computes_has_one_on_each_of_several_pods():
    compute = ComputeSpec(evaluate=ResourcesSpec(gpus=8, nodes=2), queue="research")
    _, job = render_batch([generate_step(train_step())], compute, SETTINGS)
    assert environment(job)["PET_NPROC_PER_NODE"] == "1"


def test_one_pod_needs_no_service_and_no_rendezvous():
    (job,) = render_batch([train_step()], COMPUTE, SETTINGS)
    assert not [name for name in environment(job) if name.startswith("PET_")]


# What no Job can carry


def test_a_manifest_stays_small():
    (job,) = render_batch(score_steps(MAX_KEYS), COMPUTE, SETTINGS)
    assert len(json.dumps(job)) < 24_000
    with pytest.raises(ValueError, match="at most 256 steps, not 257: batch them"):
        render_batch(score_steps(MAX_KEYS + 1), COMPUTE, SETTINGS)


def test_promise_whatever_reconcile_puts_together_one_job_can_carry():
    assert max(MAX_BATCH.values()) <= MAX_KEYS


def test_steps_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match="at least one step"):
        render_batch([], COMPUTE, SETTINGS)
    with pytest.raises(ValueError, match="steps of one kind"):
        render_batch([fetch_step(), train_step()], COMPUTE, SETTINGS)
    with pytest.raises(ValueError, match="carries a step once"):
        render_batch([fetch_step(), fetch_step()], COMPUTE, SETTINGS)


@pytest.mark.parametrize("uri", ["file:///data/store", "store", ""])
def test_a_store_that_pods_cannot_reach_cannot_be_named(uri):
    with pytest.raises(ValidationError, match="is no store of a cluster: write s3://"):
        StoreProfile(uri=uri)


def test_an_experiment_renders_in_the_order_of_its_graph():
    data = fetch_step()
    train = train_step(data=data)
    generate = generate_step(train)
    made = list(render_experiment(graph_of(data, train, generate), NODES, SETTINGS))
    assert [(m["kind"], m["metadata"]["labels"]["clt.dev/kind"]) for m in made] == [
        ("Job", "fetch"),
        ("Service", "train"),
        ("Job", "train"),
        ("Job", "generate"),
    ]
