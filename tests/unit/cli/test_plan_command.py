"""cltctl plan: data on standard output in the form asked for, talk on standard error."""

import json
import re

import pytest
import yaml
from support.commands import cltctl
from support.specs import EXAMPLES

from clt_operator.plan.build import plan

NO_CLUSTER = "not checked against a cluster: there is no kubeconfig"
COUNTS = ("runs", "trainings", "evaluations", "cells")


def test_a_table_names_and_aligns_what_there_is(spec):
    done = cltctl("plan", spec)
    lines = done.out.splitlines()
    assert done.code == 0
    assert lines[0].split() == ["WHAT", "VALUE"]
    column = lines[0].index("VALUE")
    assert all(line[column - 2 : column] == "  " and line[column] != " " for line in lines)
    values = dict(re.split(r"\s{2,}", line.strip(), maxsplit=1) for line in lines[1:])
    assert (values["runs"], values["cells"], values["train"]) == ("3", "12", "3")
    assert values["gpu hours"] == "unknown"
    assert values["size unknown"] == "m (set models[].parameters)"


def test_json_yaml_and_name_say_the_same(spec):
    found = json.loads(cltctl("plan", spec, "-o", "json").out)
    assert [found[name] for name in COUNTS] == [3, 3, 3, 12]
    assert found == yaml.safe_load(cltctl("plan", spec, "-o", "yaml").out)
    assert found["stepsByKind"]["train"] == 3
    assert found["prediction"]["gpu_hours"] is None
    assert cltctl("plan", spec, "-o", "name").out == "experiment/small\n"


def test_the_reference_study(tmp_path):
    done = cltctl("plan", EXAMPLES / "post-trainers-guide.yaml", "-o", "json")
    found = json.loads(done.out)
    assert [found[name] for name in COUNTS] == [152, 146, 210, 1680]
    assert len(found["unpinned"]) == 7
    assert "keys are provisional until apply pins everything" in done.err


def test_keys_are_those_of_the_plan(spec):
    listed = cltctl("plan", spec, "--keys", "-o", "name").out.splitlines()
    rows = json.loads(cltctl("plan", spec, "--keys", "-o", "json").out)
    assert listed == [f"step/{row['key']}" for row in rows]
    assert {row["kind"] for row in rows} >= {"fetch", "train", "report"}
    table = cltctl("plan", spec, "--keys").out.splitlines()
    assert table[0].split() == ["KEY", "KIND", "LABELS"]
    assert len(table) == len(rows) + 1


@pytest.mark.parametrize("words", [["-"], ["-f", "-"], ["--filename", "-"]])
def test_a_spec_from_standard_input_starts_paths_in_the_working_directory(spec, words, monkeypatch):
    monkeypatch.chdir(spec.parent)
    done = cltctl("plan", *words, "-o", "name", stdin=spec.read_text())
    assert (done.code, done.out) == (0, "experiment/small\n")
    assert "not pinned" not in done.err


def test_relative_paths_start_where_the_spec_lies(spec):
    assert "not pinned" not in cltctl("plan", spec).err


@pytest.mark.parametrize("words", [[], ["a.yaml", "-f", "b.yaml"]])
def test_one_spec_must_be_named(words):
    done = cltctl("plan", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: name one spec file: SPEC or -f SPEC; - reads standard input\n"


def test_a_spec_that_cannot_be_read(spec):
    assert (
        cltctl("plan", "no.yaml").err == "error: cannot read no.yaml: No such file or directory\n"
    )
    done = cltctl("plan", spec.parent)
    assert (done.code, done.err) == (2, f"error: cannot read {spec.parent}: Is a directory\n")


def test_variables_are_given_on_the_command_line_only(spec, make_text, monkeypatch):
    monkeypatch.setenv("ROWS", "environment")
    text = make_text().replace("jsonl:train.jsonl", "jsonl:${ROWS}.jsonl")
    spec.write_text(text)
    done = cltctl("plan", spec)
    assert done.code == 2
    assert "the variable ROWS is not given: add --var ROWS=..." in done.err
    done = cltctl("plan", spec, "--var", "ROWS=train")
    assert done.code == 0
    assert done.err == f"{NO_CLUSTER}\nnext: cltctl apply {spec} --local --var ROWS=train\n"
    done = cltctl("plan", spec, "--var", "ROWS")
    assert (done.code, done.err) == (2, "error: --var 'ROWS': write NAME=VALUE\n")


def test_what_is_not_pinned_is_said_with_its_reason(spec):
    (spec.parent / "test.jsonl").unlink()
    done = cltctl("plan", spec)
    assert done.code == 0
    assert done.err.splitlines()[:3] == [
        NO_CLUSTER,
        f"not pinned yet: jsonl:test.jsonl: there is no file {spec.parent}/test.jsonl",
        "keys are provisional until apply pins everything",
    ]


def test_planning_stores_and_starts_nothing(spec, monkeypatch):
    before = sorted(spec.parent.rglob("*"))
    cltctl("plan", spec)
    assert sorted(spec.parent.rglob("*")) == before


def test_the_plan_of_a_spec_is_what_apply_would_run(spec):
    """One planner: the command adds nothing to plan()."""
    from clt_operator.api.load import load_experiment
    from clt_operator.resolve import Lookups, resolve

    made = load_experiment(spec.read_text()).experiment
    keys = set(plan(made.spec, resolve(made, Lookups(spec.parent))).graph.steps)
    listed = cltctl("plan", spec, "--keys", "-o", "name").out.split()
    assert {f"step/{key}" for key in keys} == set(listed)
