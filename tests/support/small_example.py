"""``examples/quickstart.yaml`` cut down by substitutions that must all match, so that a change of
the example is noticed."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SMALLER = (
    (r"layers: \d+, hidden: \d+, heads: \d+, intermediate: \d+",
     "layers: 1, hidden: 32, heads: 2, intermediate: 64"),
    (r"testItems: \d+", "testItems: 6"),
    (r"mixes: \{four: \[[^\]]*\]\}", "mixes: {four: [es, ja]}"),
    (r"evaluate: \[en, [^\]]*\]", "evaluate: [en, es, ja, ar]"),
    (r"languages: \[en, es, [^\]]*\]", "languages: [en, es, ja, ar, ru]"),
    (r" samples: \d+", " samples: 30"),
    (r"steps: \d+, batchSize: \d+", "steps: 6, batchSize: 8"),
    (r"warmupSteps: \d+", "warmupSteps: 2"),
    (r"pivotSamples: \d+", "pivotSamples: 40"),
    (r"values: \[0, 20, 100\]", "values: [0, 100]"),
    (r"seeds: \[[^\]]*\]", "seeds: [0]"),
)  # fmt: skip


def small_example() -> str:
    """The text of the quickstart in small."""
    text = (ROOT / "examples" / "quickstart.yaml").read_text(encoding="utf-8")
    for pattern, replacement in SMALLER:
        text, count = re.subn(pattern, replacement, text)
        assert count, f"the quickstart has no {pattern!r} any more: adapt SMALLER"
    return text
