"""The reference page is made from the types and never stale."""

import re
from pathlib import Path

import pytest

from clt_operator.api.reference import profiles_reference, reference, status_reference

PAGES = {"spec": reference, "status": status_reference, "profiles": profiles_reference}
FOLDER = Path(__file__).parents[3] / "docs/reference"


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_is_what_the_types_say(name):
    assert (FOLDER / f"{name}.md").read_text() == PAGES[name](), "run: make docs"


@pytest.mark.parametrize("name", PAGES)
def test_every_link_has_its_section(name):
    page = PAGES[name]()
    links = set(re.findall(r"\]\(#([^)]+)\)", page))
    titles = {
        "".join(c for c in title.lower() if c.isalnum() or c in "-_")
        for title in re.findall(r"^## (.+)$", page, re.MULTILINE)
    }
    assert links <= titles


def test_a_section_is_named_by_its_most_natural_place():
    assert "| `train` | [spec.train](#spectrain) |" in reference()
    assert "\n## spec.train\n\nAlso `spec.stages[].train`.\n" in reference()


def test_profiles_are_named_by_what_they_are_in_the_file():
    page = profiles_reference()
    assert "| `stores` | mapping of names to [stores.NAME](#storesname) |" in page
    assert "\n## pools.NAME.weightCache\n" in page


def test_the_status_has_its_phases_conditions_and_reasons():
    page = status_reference()
    assert "| `Rejected` | The spec cannot be planned here;" in page
    assert "\n### Degraded\n" in page
    assert "| `WaitingForQuota` | Every Job waits for its queue. |" in page
    assert "| `conditions` | list of [status.conditions[]](#statusconditions) |" in page
