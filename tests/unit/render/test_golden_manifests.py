"""Rendered manifests, compared with the committed ones. CLT_UPDATE_GOLDEN=1 rewrites these."""

import os
from pathlib import Path

import pytest
import yaml
from support.render_samples import samples

from clt_operator.render.text import to_yaml

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", samples())
def test_a_manifest_is_what_was_reviewed(name):
    rendered = to_yaml(samples()[name])
    path = GOLDEN / f"{name}.yaml"
    if os.environ.get("CLT_UPDATE_GOLDEN"):
        path.write_text(rendered)
    assert rendered == path.read_text(), "CLT_UPDATE_GOLDEN=1 rewrites it; review the difference"


def test_no_golden_file_is_left_over():
    assert {path.stem for path in GOLDEN.glob("*.yaml")} == set(samples())


def test_golden_files_read_back_as_the_manifests():
    for name, manifests in samples().items():
        assert list(yaml.safe_load_all((GOLDEN / f"{name}.yaml").read_text())) == list(manifests)
