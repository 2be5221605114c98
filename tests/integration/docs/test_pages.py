"""The pages hold together: specs load, links lead somewhere, generated pages are not stale."""

import re
import tomllib
from importlib import invalidate_caches
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from jsonschema import Draft202012Validator
from support.fences import Block, blocks

from charts.pages import CHART, schema
from clt_operator.api.load import load_experiment
from clt_operator.api.profiles import Profiles
from clt_operator.cli.main import app
from clt_operator.plan.check import check
from docs import pages

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
SPECS = [b for path in PAGES for b in blocks(path, ROOT) if b.language == "yaml"]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
LARGEST_PICTURE = 300_000  # bytes


@pytest.mark.parametrize(
    "block", [b for b in SPECS if not {"fragment", "profiles", "values"} & set(b.info)], ids=str
)
def test_a_spec_of_the_docs_is_valid(block):
    loaded = load_experiment(block.text, str(block), {"DATA": "data", "MODEL": "model"})
    assert check(loaded.experiment.spec) == []


@pytest.mark.parametrize("block", [b for b in SPECS if "fragment" in b.info], ids=str)
def test_a_fragment_is_yaml_with_known_fields(block):
    known = {field for definition in _fields() for field in definition}
    for name in yaml.safe_load(block.text):
        assert name in known


@pytest.mark.parametrize("block", [b for b in SPECS if "profiles" in b.info], ids=str)
def test_profiles_of_the_docs_are_valid(block):
    assert Profiles.parse(block.text, str(block)) != Profiles()


@pytest.mark.parametrize("block", [b for b in SPECS if "values" in b.info], ids=str)
def test_values_of_the_docs_are_those_of_the_chart(block):
    given = yaml.safe_load(block.text)
    defaults = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    merged = {name: {**defaults[name], **value} for name, value in given.items()}
    Draft202012Validator(schema()).validate({**defaults, **merged})


def _fields():
    from clt_operator.api.schema import experiment_schema

    schema = experiment_schema()
    return [part.get("properties", {}) for part in (schema, *schema["$defs"].values())]


def prose(path: Path) -> str:
    """A page without its blocks."""
    return re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.M)


def anchors(path: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
        place, _, anchor = target.partition("#")
        found = (path.parent / place).resolve() if place else path
        assert found.is_relative_to(ROOT), target
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found), target


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_pages_name_no_machine_and_no_registry(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(
        r"https?://|(?<![\w.])/(work|home|root|Users)/|(?<!kubernetes)\.(org|co|io)/", text
    )


@pytest.mark.parametrize("name", pages.PAGES)
def test_a_generated_page_is_what_the_code_says(name):
    shown = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert shown == pages.PAGES[name](), "run: python docs/pages.py"


def test_the_readme_lists_every_verb():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = "".join(line for line in text.splitlines() if line.startswith("| `cltctl"))
    for command in app.registered_commands:
        assert command.name in table


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_says_context_choice_and_consequences(path):
    number = int(path.stem[:4])
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {number}. ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Choice", "Consequences"]
    assert f"decisions/{path.name}" in (ROOT / "docs" / "README.md").read_text(encoding="utf-8")


def test_the_picture_is_small_and_well_formed():
    path = ROOT / "docs" / "images" / "report.svg"
    assert path.stat().st_size < LARGEST_PICTURE
    drawn = ElementTree.parse(path)  # noqa: S314 - our own
    assert drawn.getroot().tag.endswith("}svg")


@pytest.fixture
def installed(tmp_path, monkeypatch) -> dict[str, Block]:
    """The package of the plug-in page, as an installation would leave it."""
    found = list(blocks(ROOT / "docs" / "how-to" / "plug-ins.md", ROOT))
    files = {block.file: block for block in found if block.file}
    project = tomllib.loads(files["pyproject.toml"].text)["project"]
    (tmp_path / "clt_smoothed.py").write_text(files["clt_smoothed.py"].text)
    info = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1\n")
    lines = [
        line
        for group, entries in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {place}" for name, place in entries.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    invalidate_caches()
    return files


@pytest.mark.slow
def test_the_plug_in_of_the_docs(installed, tmp_path):
    """Without smoothing it is the built-in objective, with smoothing it is not."""
    import torch
    from support.context import FakeContext
    from support.tiny import tiny_model

    from clt_jobs.train.batches import MicroBatch
    from clt_jobs.train.objectives import build_objective
    from clt_operator.api.kinds.train import Objective

    batch = MicroBatch(
        input_ids=torch.tensor([[5, 6, 7, 8], [9, 10, 11, 3]]),
        attention_mask=torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]]),
        positions=torch.tensor([2, 3, 6]),
        labels=torch.tensor([8, 9, 12]),
        owner=torch.tensor([0, 0, 1]),
        weights=torch.ones(2),
    )
    model, context = tiny_model(), FakeContext(tmp_path / "context")

    def losses(name, **parameters):
        params = Objective(name=name, parameters=parameters)
        with torch.no_grad():
            return build_objective(params, model, context)(batch)

    plain = losses("causal_lm")
    assert torch.allclose(losses("smoothed_lm", smoothing=0.0), plain, atol=1e-5)
    assert not torch.allclose(losses("smoothed_lm", smoothing=0.3), plain, atol=1e-2)
