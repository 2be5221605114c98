"""examples/rights.yaml gives the rights that the tests on a control plane run with."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]


def roles() -> dict[tuple[str, str], set[tuple[str, str, str]]]:
    documents = yaml.safe_load_all((ROOT / "examples" / "rights.yaml").read_text())
    return {
        (role["metadata"]["namespace"], role["metadata"]["name"]): rights(role["rules"])
        for role in documents
    }


def rights(rules: list[dict]) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_the_operator_has_the_rights_that_it_is_tested_with():
    from cluster.harness.operator import RULES

    found = roles()
    given = found["team-a", "clt-operator"] | found["clt-system", "clt-operator"]
    assert given == rights(RULES)


def test_nobody_may_read_a_secret():
    for given in roles().values():
        assert not [right for right in given if right[1] in ("secrets", "*")]
