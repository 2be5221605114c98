"""Every command in README and docs runs, as it is written and in the order of its page."""

import json
import os
import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from support.fences import NOT_RUN, Block, blocks

from docs.picture import picture

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
pytestmark = pytest.mark.xdist_group("docs")


def commands(path: Path) -> list[Block]:
    return [block for block in blocks(path, ROOT) if block.is_commands]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.slow
@pytest.mark.parametrize("path", [p for p in PAGES if commands(p)], ids=name_of)
def test_the_commands_of_a_page_run(path, followed):
    followed(path)


def test_what_is_not_run_is_still_there():
    there = {block.text.strip() for path in PAGES for block in commands(path)}
    assert set(NOT_RUN) <= there


def test_commands_stand_in_blocks_that_are_run():
    strange = [
        str(block)
        for path in PAGES
        for block in blocks(path, ROOT)
        if not block.is_commands and re.search(r"^\$? ?cltctl ", block.text, re.MULTILINE)
    ]
    assert not strange


@pytest.mark.slow
def test_the_tutorial_does_what_it_says(followed):
    """Applied again, nothing runs; Russian computes Russian alone; the report is drawn."""
    page = ROOT / "docs" / "tutorial.md"
    small, text = followed(page), page.read_text(encoding="utf-8")
    again = Block("tutorial", 0, "bash", (), "cltctl apply with-russian.yaml --local 2>&1\n")
    assert "executes 0 steps" in text
    assert "0 steps executed" in small.run(again)
    steps = json.loads(small.run(Block("", 0, "bash", (), "cltctl get steps quickstart -o json\n")))
    russian = [step for step in steps if step["language"] == "ru" and step["task"] == "sums"]
    assert {step["kind"] for step in russian} == {"fetch", "derive", "generate", "score"}
    folder = small.root / "quickstart-report"
    page = (folder / "report.html").read_text(encoding="utf-8")
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    drawn = ElementTree.fromstring(picture(page, summary))  # noqa: S314 - our own
    assert len([part for part in drawn if part.tag.endswith("}svg")]) == 2
    words = [part.text or "" for part in drawn if part.tag.endswith("}text")]
    assert any(line.startswith("seen-gain (seen, k=100): ") for line in words)


def outputs(path: Path) -> list[tuple[Block, Block]]:
    """Blocks of commands with the output that the page shows for them."""
    found = pairwise(blocks(path, ROOT))
    return [(first, second) for first, second in found if "checked" in second.info]


@pytest.mark.parametrize("path", [p for p in PAGES if outputs(p)], ids=name_of)
def test_the_outputs_that_a_page_shows_are_what_comes_out(path, whole):
    """``CLT_UPDATE_DOCS=1`` writes them again."""
    for block in blocks(path, ROOT):
        if block.file:
            whole.save(block)
    for command, shown in reversed(outputs(path)):  # so that line numbers above stay right
        real = whole.run(command)
        if os.environ.get("CLT_UPDATE_DOCS"):
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            lines[shown.line : shown.line + shown.text.count("\n")] = [real]
            path.write_text("".join(lines), encoding="utf-8")
        else:
            assert shown.text == real, f"{shown}: run again with CLT_UPDATE_DOCS=1"
