"""What users read when the API server refuses. The answers are those of Kubernetes 1.36."""

import pytest

from clt_operator.api.errors import Problem, TransientError
from clt_operator.cluster.errors import (
    AlreadyExists,
    ClusterError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Unreachable,
    Where,
    explain,
)

WHERE = Where(
    "create", "jobs.batch", "j", "team", "https://api:6443", "context 'lab' of kubeconfig"
)


def refused(status, reason="", message="", causes=()):
    answer = {"reason": reason, "message": message, "details": {"causes": list(causes)}}
    return explain(status, answer, WHERE)


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (400, "BadRequest", Invalid),
        (401, "Unauthorized", Forbidden),
        (403, "Forbidden", Forbidden),
        (404, "NotFound", NotFound),
        (409, "AlreadyExists", AlreadyExists),
        (409, "Conflict", Conflict),
        (410, "Expired", Gone),
        (413, "RequestEntityTooLarge", Invalid),
        (418, "", ClusterError),
        (422, "Invalid", Invalid),
        (429, "TooManyRequests", Unreachable),
        (500, "InternalError", Unreachable),
        (503, "ServiceUnavailable", Unreachable),
        (504, "Timeout", Unreachable),
    ],
)
def test_each_status_has_its_class(status, reason, kind):
    error = refused(status, reason)
    assert type(error) is kind
    assert (error.status, error.reason) == (status, reason)


def test_only_what_may_pass_is_transient():
    assert isinstance(refused(503), TransientError)
    assert not isinstance(refused(422), TransientError)


def test_causes_become_problems_at_spec_paths():
    error = refused(
        422,
        "Invalid",
        "Experiment is invalid",
        [
            {"field": "spec.sweeps[0].mixes", "message": "Too many: 9"},
            {"field": "spec.train.steps", "message": "Invalid value: -1: must be positive"},
            {"field": "spec.train.steps", "message": "Invalid value: -1: must be positive"},
        ],
    )
    assert error.problems == (
        Problem("spec.sweeps[0].mixes", "Too many: 9"),
        Problem("spec.train.steps", "Invalid value: -1: must be positive"),
    )
    assert str(error).splitlines()[1:] == [
        "spec.sweeps[0].mixes: Too many: 9",
        "spec.train.steps: Invalid value: -1: must be positive",
    ]


def test_strict_decoding_names_the_unknown_fields():
    message = 'strict decoding error: unknown field "spec.foo", duplicate field "spec.bar"'
    assert refused(400, "BadRequest", message).problems == (
        Problem("spec.foo", "unknown field"),
        Problem("spec.bar", "duplicate field"),
    )


def test_apply_of_a_wrong_shape_is_invalid_although_the_server_says_500():
    message = (
        "failed to create typed patch object (team/j; batch/v1, Kind=Job): "
        ".spec.foo: field not declared in schema"
    )
    error = refused(500, "", message)
    assert type(error) is Invalid
    assert error.problems == (Problem("spec.foo", "field not declared in schema"),)


def test_an_apply_conflict_names_field_and_owner():
    cause = {
        "reason": "FieldManagerConflict",
        "message": 'conflict with "kubectl"',
        "field": ".spec.suspend",
    }
    error = refused(409, "Conflict", "Apply failed with 1 conflict", [cause])
    assert 'spec.suspend: conflict with "kubectl"' in str(error)


def test_a_missing_right_names_verb_and_resource():
    message = (
        'jobs.batch is forbidden: User "bob" cannot create resource "jobs" in API group "batch"'
    )
    text = str(refused(403, "Forbidden", message))
    assert "RoleBinding" in text
    assert "verb create on resource jobs.batch" in text


def test_a_quota_is_not_mistaken_for_a_missing_right():
    message = 'jobs.batch "j" is forbidden: exceeded quota: team, used: count/jobs.batch=5'
    text = str(refused(403, "Forbidden", message))
    assert "exceeded quota" in text
    assert "Role" not in text


def test_a_namespace_that_goes_is_told_apart():
    cause = {"reason": "NamespaceTerminating", "message": "namespace team is being terminated"}
    assert refused(403, "Forbidden", "unable to create", [cause]).terminating
    assert not refused(403, "Forbidden", "no").terminating


def test_refused_credentials_name_the_context():
    text = str(refused(401, "Unauthorized", "Unauthorized"))
    assert "context 'lab' of kubeconfig" in text
    assert "sign in again" in text


@pytest.mark.parametrize(
    ("reason", "message", "unserved"),
    [
        ("NotFound", 'jobs.batch "j" not found', False),
        ("NotFound", "the server could not find the requested resource", True),
        ("", "404 page not found", True),
    ],
)
def test_an_absent_kind_is_not_an_absent_object(reason, message, unserved):
    error = refused(404, reason, message)
    assert error.unserved is unserved
    assert ("custom resource definition" in str(error)) is unserved


def test_no_secret_of_a_server_message_is_shown():
    text = str(refused(400, "BadRequest", "webhook said: password=hunter2hunter2"))
    assert "hunter2" not in text
    assert "[redacted]" in text


def test_a_long_message_is_cut():
    assert len(str(refused(400, "BadRequest", "x" * 10_000))) < 2_200
