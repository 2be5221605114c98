"""Wrong specs, and exactly what is said about them."""

import subprocess
import sys

import pytest
import yaml

from clt_operator.api.errors import SpecError
from clt_operator.api.load import load_experiment

RIGHT = """\
apiVersion: clt.dev/v1alpha1
kind: Experiment
metadata: {name: study}
spec:
  models: [{name: base, source: "hf:a/b"}]
  tasks: [{name: MR, train: {source: "jsonl:x"}}]
  languages:
    pivot: en
    mixes:
      all4: [es, fr]
    evaluate: [en, es]
  sweeps:
    - name: single
      pivotSamples: 100
      samplesPerLanguage: {values: [0, 10]}
"""


def problems(*changes):
    text = RIGHT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    with pytest.raises(SpecError) as caught:
        load_experiment(text, "s.yaml", {})
    return str(caught.value)


CASES = [
    (
        ("pivotSamples: 100", "samplePerLanguage: 5\n      pivotSamples: 100"),
        "s.yaml:14: spec.sweeps[0].samplePerLanguage: unknown field "
        "(did you mean 'samplesPerLanguage'?)",
    ),
    (
        ("pivotSamples: 100", "pivot_samples: 100"),
        "s.yaml:13: spec.sweeps[0].pivotSamples: is required (Rows of the pivot, per task.)\n"
        "s.yaml:14: spec.sweeps[0].pivot_samples: unknown field (did you mean 'pivotSamples'?)",
    ),
    (
        ("{values: [0, 10]}", "{valuables: [0, 10], zzz: 1}"),
        "s.yaml:15: spec.sweeps[0].samplesPerLanguage.valuables: unknown field "
        "(did you mean 'values'?)\n"
        "s.yaml:15: spec.sweeps[0].samplesPerLanguage.zzz: unknown field (known: values, range)",
    ),
    (
        ("kind: Experiment", "kind: Job"),
        "s.yaml:2: kind: is 'Job', this release reads Experiment (write Experiment)",
    ),
    (
        ("clt.dev/v1alpha1", "clt.dev/v1"),
        "s.yaml:1: apiVersion: is 'clt.dev/v1', this release reads clt.dev/v1alpha1 "
        "(write clt.dev/v1alpha1)",
    ),
    (
        ("kind: Experiment\n", ""),
        "s.yaml:1: kind: is required (Always Experiment.)",
    ),
    (
        ("pivotSamples: 100", "pivotSamples: '100'"),
        "s.yaml:14: spec.sweeps[0].pivotSamples: must be a whole number, is '100' "
        "(remove the quotes)",
    ),
    (
        ("pivotSamples: 100", "pivotSamples: 1e2"),
        "s.yaml:14: spec.sweeps[0].pivotSamples: must be a whole number, is the number 100.0 "
        "(write 100)",
    ),
    (
        ("pivotSamples: 100", "pivotSamples: true"),
        "s.yaml:14: spec.sweeps[0].pivotSamples: must be a whole number, is true",
    ),
    (
        ("pivotSamples: 100", "pivotSamples: 0"),
        "s.yaml:14: spec.sweeps[0].pivotSamples: must be at least 1, is 0",
    ),
    (
        ("pivotSamples: 100", "pivotSamples: 2_000_000_000"),
        "s.yaml:14: spec.sweeps[0].pivotSamples: must be a whole number, is '2_000_000_000'",
    ),
    (
        ("pivotSamples: 100", "pivotSamples: 2000000000"),
        "s.yaml:14: spec.sweeps[0].pivotSamples: must be at most 1,000,000,000, is 2000000000",
    ),
    (
        ("pivotSamples: 100", "pivotSamples:"),
        "s.yaml:14: spec.sweeps[0].pivotSamples: has no value, must be a whole number "
        "(write one, or leave the field out)",
    ),
    (
        ("pivotSamples: 100", "mixes: all4\n      pivotSamples: 100"),
        "s.yaml:14: spec.sweeps[0].mixes: must be a list, is 'all4' (write [all4])",
    ),
    (
        ("pivotSamples: 100", "taskMode: Joint\n      pivotSamples: 100"),
        "s.yaml:14: spec.sweeps[0].taskMode: is 'Joint', must be one of: each, joint "
        "(did you mean 'joint'?)",
    ),
    (
        ("pivotSamples: 100", "budget: 7\n      pivotSamples: 100"),
        "s.yaml:14: spec.sweeps[0].budget: is the number 7, must be one of: additive, substitutive",
    ),
    (
        ("pivotSamples: 100", "untrained: 1\n      pivotSamples: 100"),
        "s.yaml:14: spec.sweeps[0].untrained: must be true or false, is the number 1 "
        "(write true or false)",
    ),
    (
        ("{values: [0, 10]}", "[0, 10]"),
        "s.yaml:15: spec.sweeps[0].samplesPerLanguage: must be a mapping of fields, is a list",
    ),
    (
        ("name: single", "name: my sweep"),
        "s.yaml:13: spec.sweeps[0].name: 'my sweep' is not of the form: letters, digits, '-', "
        "'_' and '.', with a letter or digit at both ends",
    ),
    (
        ("name: single", "name: 2024"),
        "s.yaml:13: spec.sweeps[0].name: must be text, is the number 2024 (put it in quotes)",
    ),
    (
        ("all4: [es", "all 4: [es"),
        "s.yaml:10: spec.languages.mixes.all 4: as a name, 'all 4' is not of the form: letters, "
        "digits, '-', '_' and '.', with a letter or digit at both ends",
    ),
    (
        ("[es, fr]", "[es, 'f r']"),
        "s.yaml:10: spec.languages.mixes.all4[1]: 'f r' is not of the form: a language code such "
        "as en or zh-Hant",
    ),
    (
        ("mixes:\n      all4: [es, fr]", "mixes: {}"),
        "s.yaml:9: spec.languages.mixes: must have at least 1 entry, has 0",
    ),
    (
        ('{name: base, source: "hf:a/b"}', ""),
        "s.yaml:5: spec.models: must have at least 1 entry, has 0",
    ),
    (
        ("name: study", "name: " + "s" * 64),
        "s.yaml:3: metadata.name: must have at most 63 characters, has 64",
    ),
]


@pytest.mark.parametrize(("change", "said"), CASES)
def test_a_wrong_spec_gets_exactly_this_message(change, said):
    assert problems(change) == said


def test_every_problem_is_told_at_once_in_the_order_of_the_file():
    said = problems(
        ("name: study", "name: Study"),
        ("pivot: en", "pivot: 1"),
        ("pivotSamples: 100", "pivotSample: 100"),
    )
    assert [line.split(":")[1] for line in said.splitlines()] == ["3", "8", "13", "14"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "s.yaml:1: the file is empty"),
        ("[1]", "s.yaml:1: a spec is a mapping, this file holds a list"),
        ("hello", "s.yaml:1: a spec is a mapping, this file holds 'hello'"),
    ],
)
def test_what_is_no_spec_at_all_says_how_one_starts(text, said):
    with pytest.raises(SpecError) as caught:
        load_experiment(text, "s.yaml", {})
    hint = " (start it with 'apiVersion: clt.dev/v1alpha1' and 'kind: Experiment')"
    assert str(caught.value) == said + hint


def test_the_words_of_pydantic_never_reach_a_user():
    for change, _ in CASES:
        said = problems(change)
        assert "Input should" not in said
        assert "instance of" not in said


def test_a_spec_with_very_many_problems_is_told_in_bounded_time_and_text():
    many = yaml.safe_dump({f"field{i}": 1 for i in range(20_000)}, default_flow_style=True)
    said = problems(("pivotSamples: 100", f"quotas: 3\n      ab: {many}"), ("metadata", "meta"))
    assert len(said) < 100_000
    with pytest.raises(SpecError) as caught:
        load_experiment(RIGHT.replace("spec:", "spec:\n  train: " + many), "s.yaml", {})
    assert len(caught.value.problems) == 20_000
    assert "and 19900 more problems" in str(caught.value)


def test_reading_a_spec_imports_nothing_heavy():
    code = (
        "import sys, clt_operator.api.load\n"
        "heavy = {'boto3', 'kubernetes', 'pyarrow', 'numpy', 'torch', 'typer', 'rich'}\n"
        "sys.exit(str(sorted(heavy & set(sys.modules))) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
