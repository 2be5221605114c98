"""Files that are wrong or hostile are refused with their place, quickly."""

import time

import pytest

from clt_operator.api.errors import SpecError
from clt_operator.api.yaml import MAX_PROBLEMS, read_yaml


def refusal(text):
    with pytest.raises(SpecError) as caught:
        read_yaml(text, "spec.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: 1\nb:\n  c: 1\n  c: 2\n",
            "spec.yaml:4:3: b.c: is there twice, first in line 3 (drop one)",
        ),
        (
            "a: !!python/object/apply:os.system [ls]\n",
            "spec.yaml:1:4: a: tags are not read: !!python/object/apply:os.system (leave it out)",
        ),
        ("a: !secret x\n", "spec.yaml:1:4: a: tags are not read: !secret (leave it out)"),
        ("a: !!str 1\n", "spec.yaml:1:4: a: tags are not read: !!str (leave it out)"),
        (
            "1: x\n",
            "spec.yaml:1:1: a key must be text, not 1 (put the key in quotes)",
        ),
        (
            "a: {true: x}\n",
            "spec.yaml:1:5: a: a key must be text, not true (put the key in quotes)",
        ),
        ("? [a]\n: 1\n", "spec.yaml:1:3: a key must be text, not a list or a mapping"),
        (
            "a: 1\n---\nb: 1\n",
            "spec.yaml:2:1: a second document (one file holds one experiment)",
        ),
        (
            "a:\n\tb: 1\n",
            "spec.yaml:2:1: not valid YAML: a tab where an indentation or a value was expected"
            " (indent with spaces)",
        ),
        (
            "a: b: c\n",
            "spec.yaml:1:5: not valid YAML: mapping values are not allowed in this context"
            " (put text that holds ': ' in quotes, or mend the indentation)",
        ),
        (
            "a: [",
            "spec.yaml:2:1: not valid YAML: did not find expected node content"
            " (check brackets, quotes and the indentation above this place)",
        ),
        ("a: *b\n", "spec.yaml:1:4: the alias *b has no anchor &b above it"),
        ("a: &a [*a]\n", "spec.yaml:1:8: the alias *a lies inside its own anchor"),
        ("a: 1\nb: \x07\n", "spec.yaml:2: the character U+0007 is not allowed in YAML"),
        ("a: 1\nb: \ud800\n", "spec.yaml:2: not valid UTF-8"),
        (
            "a: &x [1]\nb: {<<: *x}\n",
            "spec.yaml:2:5: b: '<<' merges mappings only (write <<: *anchor)",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(text, message):
    assert refusal(text) == message


def test_all_problems_of_a_file_are_told_at_once():
    assert refusal("a: !x 1\nb: .nan\nb: 2\n").count("\n") == 2


def test_what_is_told_is_bounded_and_counted():
    told = refusal("a:\n" + "".join(f"  - !x {i}\n" for i in range(5000)))
    assert told.count("\n") == 100
    assert told.endswith(f"and {MAX_PROBLEMS - 100} more problems")


def hostile_files():
    laughs = "a0: &a0 [x, x]\n" + "".join(
        f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 60)
    )
    merges = "a0: &a0 {k: 1}\n" + "".join(
        f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}\n" for i in range(1, 60)
    )
    long_text = f"a: &a {'x' * 1_000_000}\nb: [{', '.join(['*a'] * 1000)}]\n"
    chain = "a0: &a0 {k: 1}\n" + "".join(f"a{i}: &a{i} {{<<: *a{i - 1}}}\n" for i in range(1, 500))
    return {
        "laughs": (laughs, "more than 200,000 values, aliases expanded"),
        "merges": (merges, "more than 200,000 values, aliases expanded"),
        "long text": (long_text, "more than 200,000 values, aliases expanded"),
        "chain": (chain, "nested more than 100 deep, aliases expanded"),
        "deep": ("[" * 100_000, "nested more than 100 deep"),
        "deep keys": ("? " * 100_000, "nested more than 100 deep"),
        "wide": ("- a\n" * 1_000_000, "more than 200,000 values, aliases expanded"),
        "50 MB": ("a: " + "x" * 50_000_000, "the file is larger than 5 MB"),
        "5 MB in few characters": ("a: " + "語" * 2_000_000, "the file is larger than 5 MB"),
        "long key": (f"? {'k' * 1_000_000}\n: [1, 2]\n", "a key of 1000000 characters"),
    }


@pytest.mark.parametrize("name", hostile_files())
def test_a_hostile_file_is_refused_before_it_costs_anything(name):
    text, message = hostile_files()[name]
    started = time.process_time()
    assert message in refusal(text)
    assert time.process_time() - started < 5


def test_a_large_honest_file_is_read():
    text = "spec:\n" + "".join(f"  n{i}: [1, 2, 3]\n" for i in range(20_000))
    assert len(read_yaml(text).data["spec"]) == 20_000
