"""The picture of the report in the README: figures of a real report page, as one SVG.

``python docs/picture.py STORE EXPERIMENT`` reads the committed report of a finished study and
writes ``docs/images/report.svg``. Text stays text; colours follow the reader's light or dark mode.
"""

import json
import re
import sys
import tempfile
from html import escape
from pathlib import Path
from typing import Any

from clt_jobs.report.wording import interval, number
from clt_operator.cli.report import copy_output
from clt_operator.cli.stored import open_artifacts, stored

TARGET = Path(__file__).parent / "images" / "report.svg"
WIDTH, MARGIN, LINE = 940.0, 24.0, 19.0
FIGURES = 2  # score against k per language; seen, unseen and what is relative to the pivot

_SVG = re.compile(r"<svg .*?</svg>", re.DOTALL)
_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
_STYLE = """
svg { --paper: #fbfbf9; --card: #ffffff; --ink: #20242b; --soft: #59616e; --grid: #e3e4e1;
  --faint: #7d8593; font-family: ui-sans-serif, system-ui, "Segoe UI", Roboto, "DejaVu Sans",
  sans-serif; }
@media (prefers-color-scheme: dark) { svg { --paper: #15181d; --card: #1c2027; --ink: #e7e9ec;
  --soft: #a4acb8; --grid: #303640; --faint: #99a2b0; } }
text { fill: var(--ink); } .soft { fill: var(--soft); } .title { font-weight: 650; }
"""


def picture(page: str, summary: dict[str, Any]) -> str:
    """Title, the contrasts in words, and the figures of the first curve, one above the other."""
    words = [_sentence(contrast) for contrast in summary["contrasts"]]
    parts = [_text(summary["title"], 44.0, "title", 21.0)]
    parts += [_text(text, 70.0 + LINE * at, "soft", 13.0) for at, text in enumerate(words)]
    below = 70.0 + LINE * len(words) + 4.0
    for figure in _SVG.findall(page)[:FIGURES]:
        box = _BOX.search(figure)
        if box is None:
            raise SystemExit("a figure of the report has no viewBox")
        height = (WIDTH - 2 * MARGIN) * float(box[2]) / float(box[1])
        size = f'x="{MARGIN}" y="{below:.1f}" width="{WIDTH - 2 * MARGIN}" height="{height:.1f}"'
        parts.append(figure.replace("<svg ", f"<svg {size} ", 1))
        below += height + 16.0
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 {WIDTH:.0f} {below:.0f}" role="img" aria-label="A transfer report">'
    )
    ground = '<rect width="100%" height="100%" rx="10" style="fill: var(--paper)"/>'
    return "\n".join([head, f"<style>{_STYLE}</style>", ground, *parts, "</svg>"]) + "\n"


def _sentence(contrast: dict[str, Any]) -> str:
    """One declared contrast, as the report's first table states it."""
    limits = interval(contrast["simultaneous_lo"], contrast["simultaneous_hi"], sign=True)
    return (
        f"{contrast['contrast']} ({contrast['group']}, k={contrast['k']}): "
        f"{number(contrast['value'], sign=True)} {contrast['metric']}, "
        f"simultaneous interval {limits}, {contrast['n_items']} items × "
        f"{contrast['n_seeds']} seeds: {contrast['verdict']}"
    )


def _text(text: str, y: float, style: str, size: float) -> str:
    return f'<text x="{MARGIN}" y="{y}" class="{style}" font-size="{size}">{escape(text)}</text>'


def main(uri: str, name: str) -> None:
    found = stored(open_artifacts(uri), "default", name)
    with tempfile.TemporaryDirectory() as scratch:
        for part in ("page", "summary"):
            copy_output(found, part, Path(scratch))
        page = (Path(scratch) / "report.html").read_text(encoding="utf-8")
        summary = json.loads((Path(scratch) / "summary.json").read_text(encoding="utf-8"))
    TARGET.write_text(picture(page, summary), encoding="utf-8")
    print(TARGET, TARGET.stat().st_size)


if __name__ == "__main__":
    main(*sys.argv[1:])
