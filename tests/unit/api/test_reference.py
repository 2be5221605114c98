"""The reference page is made from the types and never stale."""

import re
from pathlib import Path

from clt_operator.api.reference import reference

PAGE = Path(__file__).parents[3] / "docs/reference/spec.md"


def test_the_committed_page_is_what_the_types_say():
    assert PAGE.read_text() == reference(), (
        "run: python -m clt_operator.api.reference > docs/reference/spec.md"
    )


def test_every_link_has_its_section():
    page = reference()
    links = set(re.findall(r"\]\(#([^)]+)\)", page))
    titles = {
        "".join(c for c in title.lower() if c.isalnum() or c in "-_")
        for title in re.findall(r"^## (.+)$", page, re.MULTILINE)
    }
    assert links <= titles


def test_a_section_is_named_by_its_most_natural_place():
    assert "| `train` | [spec.train](#spectrain) |" in reference()
    assert "\n## spec.train\n\nAlso `spec.stages[].train`.\n" in reference()
