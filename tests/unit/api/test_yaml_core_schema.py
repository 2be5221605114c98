"""YAML is read by 1.2 rules: what people write is what they get."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clt_operator.api.errors import SpecError
from clt_operator.api.yaml import read_yaml


def data_of(text):
    return read_yaml(text, "spec.yaml").data


@pytest.mark.parametrize("word", ["no", "No", "yes", "on", "off", "y", "n", "NO"])
def test_norwegian_and_other_words_of_yaml_11_are_text(word):
    assert data_of(f"code: {word}") == {"code": word}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1e-5", 1e-5),
        ("1.0e-5", 1e-5),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("+12", 12),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("2024-01-01", "2024-01-01"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("1e", "1e"),
        ("'12'", "12"),
        ('"true"', "true"),
    ],
)
def test_plain_scalars_follow_the_core_schema(written, meant):
    value = data_of(f"a: {written}")["a"]
    assert value == meant
    assert type(value) is type(meant)


@pytest.mark.parametrize("number", [".inf", "-.Inf", ".nan", "1e999", "9" * 5000, "0x" + "f" * 900])
def test_numbers_that_are_infinite_or_absurd_are_refused(number):
    with pytest.raises(SpecError) as caught:
        data_of(f"a:\n  b: {number}")
    assert caught.value.problems[0].path == "a.b"
    assert caught.value.problems[0].line == 2


plain_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co", "Zl", "Zp"))),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co", "Zl", "Zp"))).filter(
                lambda key: "\ufeff" not in key
            ),
            inner,
        )
    ),
    max_leaves=20,
)


@given(plain_json.filter(lambda data: "\ufeff" not in json.dumps(data, ensure_ascii=False)))
def test_json_is_yaml(data):
    assert data_of(json.dumps(data, ensure_ascii=False)) == data


def test_anchors_and_merge_keys_share_text_and_own_keys_win():
    document = read_yaml(
        "base: &base {epochs: 1, batch: 64}\nother: &o {batch: 8, x: 1}\n"
        "one: *base\ntwo: {<<: *base, batch: 32}\nthree:\n  <<: [*base, *o]\n"
    )
    assert document.data["one"] == {"epochs": 1, "batch": 64}
    assert document.data["two"] == {"epochs": 1, "batch": 32}
    assert document.data["three"] == {"epochs": 1, "batch": 64, "x": 1}
    assert document.locations.line_of("three.x") == 2


def test_a_quoted_merge_key_is_an_ordinary_key():
    assert data_of('"<<": 1') == {"<<": 1}


def test_every_field_has_its_line():
    text = (
        "spec:\n  sweeps:\n    - name: a\n      mixes:\n        - x\n        - y\n"
        "  t.a:\n    b: 1\n"
    )
    lines = read_yaml(text).locations
    assert lines.line_of("spec.sweeps[0].mixes[1]") == 6
    assert lines.line_of("spec.sweeps[0].name") == 3
    assert lines.line_of("spec.t.a.b") == 8
    assert lines.line_of("spec.sweeps[0].seeds") == 3
    assert lines.line_of("spec.sweeps[7].name") == 2
    assert lines.line_of("elsewhere") == 1


def test_an_empty_file_says_nothing():
    assert data_of("") is None
    assert data_of("# only a comment\n") is None


def test_a_byte_order_mark_and_windows_line_ends_are_read():
    assert data_of("\ufeffa: 1\r\nb: no\r\n") == {"a": 1, "b": "no"}
