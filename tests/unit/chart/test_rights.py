"""Who may do what stands in one file, and nobody there may read a Secret."""

import pytest
import yaml

from charts.pages import RIGHTS, WHO

FILE = yaml.safe_load(RIGHTS.read_text(encoding="utf-8"))


def rules(path):
    found = FILE
    for name in path:
        found = found[name]
    return found


def rights(path):
    return {
        (group, resource, verb)
        for rule in rules(path)
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_promise_least_privilege_nobody_may_read_a_secret_or_do_all_there_is():
    for path in WHO:
        for group, resource, verb in rights(path):
            assert "secrets" not in resource
            assert "*" not in (group, resource, verb)


def test_every_role_of_the_file_is_on_the_page_and_in_a_role():
    named = {path for path in WHO if len(path) == 1} | {path[:1] for path in WHO}
    assert {(name,) for name in FILE} == {path[:1] for path in named}
    assert {("operator", name) for name in FILE["operator"]} == {p for p in WHO if len(p) == 2}


def test_the_operator_is_tested_with_these_rights():
    from cluster.harness.operator import RULES

    assert rules(("operator", "tenant")) + rules(("operator", "own")) == RULES


def test_a_viewer_changes_nothing_and_an_editor_may_all_that_a_viewer_may():
    viewer, editor = rights(("viewer",)), rights(("editor",))
    assert {verb for _, _, verb in viewer} == {"get", "list", "watch"}
    assert viewer < editor
    assert {resource for _, resource, _ in editor - viewer} == {"experiments"}


def test_the_operator_never_changes_an_experiment_itself():
    changes = {r for r in rights(("operator", "tenant")) if r[0] == "clt.dev"} - {
        ("clt.dev", "experiments", verb) for verb in ("get", "list", "watch")
    }
    assert changes == {("clt.dev", "experiments/status", "patch")}


@pytest.mark.parametrize("path", [("operator", "own"), ("reader",)])
def test_in_the_operators_namespace_only_two_objects_are_reached(path):
    named = {n for rule in rules(path) for n in rule.get("resourceNames", ())}
    assert named == {"clt-profiles", "clt-operator"}
    free = [rule for rule in rules(path) if not rule.get("resourceNames")]
    assert [rule["verbs"] for rule in free] == ([["create"]] if path[-1] == "own" else [])


def test_doctor_asks_an_editor_for_nothing_that_the_role_lacks():
    from clt_operator.cli.doctor import NEEDED

    held = rights(("editor",))
    for group, resource, sub, verbs in NEEDED:
        for verb in verbs:
            assert (group, f"{resource}/{sub}" if sub else resource, verb) in held
