"""The page and the summary: self-contained, escaped, the same bytes, and honest."""

import hashlib
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from clt_jobs.report.cautions import cautions
from clt_jobs.report.dropped import WRONG_LANGUAGE
from clt_jobs.report.page import render_page
from clt_jobs.report.step import report, results_of
from clt_operator.api.kinds.report import Contrast

SMALL = {"seeds": 2, "items": 40, "ks": [0, 100, 400], "metrics": ("math_accuracy", "gold_margin")}


def made(study, directory):
    context = study.context(directory)
    report(study.params, context)
    return context


def page_of(study, directory):
    return (made(study, directory).out / "page" / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(session_study, tmp_path_factory):
    return page_of(session_study, tmp_path_factory.mktemp("page"))


def digests(directory: Path) -> dict[str, str]:
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {
        str(p.relative_to(directory)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files
    }


_AGAIN = """
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
spec = spec_from_file_location("study", sys.argv[1])
study = sys.modules["study"] = module_from_spec(spec)
spec.loader.exec_module(study)
from clt_jobs.report.step import report
made = study.published_study(seeds=2, items=40, ks=[0, 100, 400])
report(made.params, made.context(Path(sys.argv[2])))
"""


def test_promise_the_same_step_gives_the_same_bytes(make_study, tmp_path):
    """Another process, another hash seed, another directory, another day."""
    made(make_study(seeds=2, items=40, ks=[0, 100, 400]), tmp_path / "here")
    root = Path(__file__).parents[3]
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "7",
        "TZ": "Asia/Tokyo",
        "PYTHONPATH": os.pathsep.join(str(root / part) for part in (".", "jobs", "tests")),
    }
    conftest = Path(__file__).with_name("conftest.py")
    subprocess.run(
        [sys.executable, "-c", _AGAIN, str(conftest), str(tmp_path / "there")],
        check=True,
        env=environment,
    )
    here = digests(tmp_path / "here" / "out")
    assert here == digests(tmp_path / "there" / "out")
    assert len(here) == 7


def test_the_page_needs_nothing_from_outside(page):
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)


def test_ids_are_unique_or_name_the_same_shape(page):
    """Inline figures share one document: equal ids must stand for equal content."""
    found: dict[str, str] = {}
    for name, rest in re.findall(
        r'<(?:path|clipPath) id="([^"]+)"(.*?)</(?:defs|clipPath)>', page, re.S
    ):
        assert found.setdefault(name, rest.split("/>")[0]) == rest.split("/>")[0]


def test_the_page_is_well_formed(page):
    void = {"meta", "br", "hr", "link", "input"}
    stack: list[str] = []

    class Checker(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in void:
                stack.append(tag)

        def handle_endtag(self, tag):
            assert stack.pop() == tag

    Checker().feed(page)
    assert stack == []


def test_names_are_escaped(make_study, tmp_path):
    study = make_study(**SMALL, models=("<img src=x onerror=alert(1)>",))
    study.params = study.params.model_copy(
        update={"title": "<script>alert(1)</script>", "notes": ["a & b <b>bold</b>"]}
    )
    text = page_of(study, tmp_path)
    assert "<script" not in text
    assert "<img" not in text
    assert "<b>bold</b>" not in text
    assert "a &amp; b" in text


def test_the_page_says_what_was_asked_and_what_was_found(page):
    for words in (
        "A little multilingual data",
        "3 seeds per point",
        "250 items per language",
        "▲ increase",
        "Translation provenance aligns with seen and unseen",
        "cannot go below",
        "V_items + max(0, V_seeds − V_residual)",
        "the same given k",
        "expected gain if nothing happened",
        "the step <code>0123456789abcdef</code>",
    ):
        assert words in page


def test_one_seed_is_said_above_the_results(make_study, tmp_path):
    text = page_of(make_study(**{**SMALL, "seeds": 1}), tmp_path)
    assert text.index("One seed: items only") < text.index("Every number")


def test_missing_cells_are_said_above_the_results(make_study, tmp_path):
    text = page_of(make_study(**SMALL, missing=((400, 0, "ja"), (400, 1, "ja"))), tmp_path)
    assert text.index("Cells are missing") < text.index("Every number")
    assert "generate failed twice: out of memory" in text


def test_promise_nothing_silent_wrong_languages_are_on_the_page(make_study, tmp_path):
    study = make_study(**SMALL)
    for cell in study.cells:
        if cell["language"] == "ja" and cell["metric"] == "math_accuracy":
            cell.update(told=30, wrong_language=4)
    context = made(study, tmp_path)
    page = (context.out / "page" / "report.html").read_text(encoding="utf-8")
    assert WRONG_LANGUAGE.replace("'", "&#39;") in page
    assert "8 of 60" in page
    (said,) = (c for c in cautions(results_of(study.params, context)) if "wrong" in c.title)
    assert said.serious
    assert "More than 10% at a point: ja." in said.text
    summary = json.loads((context.out / "summary" / "summary.json").read_text())
    shown = {(s["language"], s["told"], s["wrong_language"]) for s in summary["scores"]}
    assert ("ja", 60, 8) in shown
    assert ("es", 0, 0) in shown


def test_growing_data_without_a_control_is_said(make_study, tmp_path):
    def titles(study, directory):
        return {c.title for c in cautions(results_of(study.params, study.context(directory)))}

    assert "More data, not only other data" in titles(make_study(**SMALL), tmp_path / "a")
    controlled = titles(make_study(**SMALL, control=True), tmp_path / "b")
    assert "More data, not only other data" not in controlled


def test_a_contrast_without_a_point_is_not_forgotten(make_study, tmp_path):
    contrasts = [Contrast(name="far", k=7000, primary=True)]
    text = page_of(make_study(**SMALL, contrasts=contrasts), tmp_path)
    assert "far: k=7000 is not a point of any sweep" in text


def test_undeclared_contrasts_are_called_exploration(make_study, tmp_path):
    assert "read it as exploration" in page_of(make_study(**SMALL, contrasts=[]), tmp_path)


@pytest.mark.parametrize(
    ("fields", "evaluate"),
    [
        ({}, ["es", "ar"]),  # no pivot
        ({}, ["en", "es"]),  # no unseen language
        ({"items": 1}, ["en", "es", "ar"]),
        ({"ks": [0], "contrasts": []}, ["en", "es", "ar"]),  # nothing to compare
        ({"baseline_k": 50}, ["en", "es", "ar"]),  # no baseline
        ({"missing": tuple((400, s, "en") for s in (0, 1))}, ["en", "ar"]),
        ({"metrics": ("of_a_plug_in",)}, ["en", "es", "ar"]),
    ],
)
def test_poor_studies_give_a_report_that_refuses_rather_than_a_crash(
    make_study, tmp_path, fields, evaluate
):
    study = make_study(**{**SMALL, **fields})
    study.params = study.params.model_copy(update={"evaluate": evaluate})
    results = results_of(study.params, study.context(tmp_path))
    assert render_page(results, "0" * 64, lambda done, total: None)
    assert any(row.value is None and row.note for row in results.quantities)
