"""YAML that 1.1 readers, 1.2 readers and kubectl take the same way."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from clt_operator.api.yaml import read_yaml
from clt_operator.render.text import to_yaml

printable = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co", "Zl", "Zp")))


@given(st.lists(printable.filter(lambda text: "\ufeff" not in text)))
def test_text_stays_text_for_every_reader(texts):
    written = to_yaml([{"texts": texts}])
    assert yaml.safe_load(written)["texts"] == texts
    assert read_yaml(written).data["texts"] == texts


@pytest.mark.parametrize("text", ["no", "12e34", "0123", "1e5", "0o17", "true", "null", ".inf", ""])
def test_what_looks_like_something_else_is_quoted(text):
    assert to_yaml([{"a": text}]) in (f"---\na: '{text}'\n", f'---\na: "{text}"\n')


def test_shared_values_are_written_out():
    shared = {"a": "b"}
    assert "&" not in to_yaml([{"x": shared, "y": shared}])
