"""What caches keep."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clt_operator.cluster.trim import (
    LAST_APPLIED,
    keys_of,
    shared,
    trim_any,
    trim_experiment,
    trim_job,
    trim_pod,
)

KEYS = ("a" * 64, "0123456789abcdef" * 4)
METADATA = {
    "name": "j",
    "namespace": "team",
    "uid": "u",
    "resourceVersion": "7",
    "generation": 2,
    "creationTimestamp": "2026-01-01T00:00:00Z",
    "deletionTimestamp": "2026-01-02T00:00:00Z",
    "labels": {"clt.dev/kind": "train", "member.clt.dev/e": "true"},
    "annotations": {LAST_APPLIED: "{}", "clt.dev/summary": "train"},
    "ownerReferences": [{"kind": "Experiment", "name": "e", "uid": "e-uid"}],
    "managedFields": [{"manager": "clt-operator", "fieldsV1": {"f:spec": {}}}],
}
JOB = {
    "metadata": METADATA,
    "spec": {
        "suspend": True,
        "parallelism": 1,
        "completions": 1,
        "activeDeadlineSeconds": 60,
        "backoffLimit": 0,
        "selector": {"matchLabels": {"a": "b"}},
        "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {
                "restartPolicy": "Never",
                "containers": [
                    {
                        "name": "steps",
                        "image": "clt:1",
                        "args": ["--store", "s3://b/p", "--scratch", "/scratch", *KEYS],
                        "env": [{"name": "HOME", "value": "/scratch"}],
                    }
                ],
            },
        },
    },
    "status": {"active": 1, "conditions": [{"type": "Suspended", "status": "True"}]},
}


def test_a_job_keeps_what_is_read():
    trimmed = trim_job(JOB)
    assert trimmed["apiVersion"] == "batch/v1"
    assert trimmed["kind"] == "Job"
    assert trimmed["spec"] == {
        "suspend": True,
        "parallelism": 1,
        "completions": 1,
        "activeDeadlineSeconds": 60,
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "steps",
                        "image": "clt:1",
                        "args": JOB["spec"]["template"]["spec"]["containers"][0]["args"],
                    }
                ]
            }
        },
    }
    assert trimmed["status"] == JOB["status"]


@pytest.mark.parametrize("trim", [trim_job, trim_pod, trim_experiment, trim_any])
def test_metadata_keeps_all_but_records_of_writers(trim):
    before = copy.deepcopy(JOB)
    metadata = trim(JOB)["metadata"]
    dropped = {"managedFields"}
    assert metadata == {
        **{name: value for name, value in METADATA.items() if name not in dropped},
        "annotations": {"clt.dev/summary": "train"},
    }
    assert before == JOB


@pytest.mark.parametrize("trim", [trim_job, trim_pod, trim_experiment, trim_any])
def test_an_object_that_has_almost_nothing_is_trimmed(trim):
    assert trim({"metadata": {"name": "x"}})["metadata"] == {"name": "x"}


def test_a_pod_keeps_where_it_runs_and_how_it_fares():
    status = {
        "phase": "Failed",
        "reason": "Evicted",
        "message": "node was low on memory",
        "conditions": [{"type": "DisruptionTarget", "status": "True"}],
        "startTime": "2026-01-01T00:00:00Z",
    }
    container = {
        "name": "steps",
        "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
        "lastState": {},
        "imageID": "sha256:1",
        "restartCount": 0,
    }
    pod = {
        "metadata": METADATA,
        "spec": {"nodeName": "n1", "containers": [{"name": "steps"}]},
        "status": {
            **status,
            "podIP": "10.0.0.1",
            "containerStatuses": [{**container, "ready": False, "image": "clt:1"}],
        },
    }
    trimmed = trim_pod(pod)
    assert trimmed["spec"] == {"nodeName": "n1"}
    assert trimmed["status"] == {**status, "containerStatuses": [container]}


def test_an_experiment_keeps_spec_and_status():
    experiment = {"metadata": METADATA, "spec": {"a": [1]}, "status": {"phase": "Running"}}
    trimmed = trim_experiment(experiment)
    assert (trimmed["spec"], trimmed["status"]) == ({"a": [1]}, {"phase": "Running"})


def test_the_keys_of_a_job_are_its_last_arguments():
    assert keys_of(JOB) == KEYS
    assert keys_of(trim_job(JOB)) == KEYS


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        ([], ()),
        (None, ()),
        (["--store", "s3://b"], ()),
        (["--store", KEYS[0], "--scratch", "/s", KEYS[1]], (KEYS[1],)),
        ([KEYS[0].upper()], ()),
    ],
)
def test_a_job_of_other_arguments_has_no_keys(arguments, keys):
    container = {"name": "steps"} if arguments is None else {"name": "steps", "args": arguments}
    assert keys_of({"spec": {"template": {"spec": {"containers": [container]}}}}) == keys


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=60), inner),
    max_leaves=20,
)


@given(JSON)
def test_sharing_changes_no_value(value):
    assert shared(value) == value


def test_recurring_words_are_one_object():
    text = json.dumps({"conditions": [{"type": "Complete"}]})
    one, two = shared(json.loads(text)), shared(json.loads(text))
    assert one["conditions"][0]["type"] is two["conditions"][0]["type"]
    assert next(iter(one)) is next(iter(two))
