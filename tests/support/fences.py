"""Fenced blocks of Markdown pages, with what their info strings say."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SHELL = ("bash", "console", "sh", "shell")
SMOLLM = """\
cltctl apply examples/smollm-math.yaml --local --store STORE --var DATA=DATA --var MODEL=MODEL
cltctl report smollm-math --store STORE --to REPORT
python docs/results/tables.py REPORT docs/results/smollm-math"""
INSTALL = """\
kubectl create namespace clt-system
kubectl -n clt-system create secret generic clt-store --from-env-file=store.env
helm install clt charts/clt -n clt-system -f values.yaml --wait
kubectl -n team-a create secret generic clt-store --from-env-file=store.env
cltctl doctor -n team-a
cltctl apply examples/quickstart.yaml -n team-a --wait"""
# What cannot run in a test, and what covers it instead.
NOT_RUN = {
    "make demo": "runs the whole quickstart for minutes; the tutorial runs the same verbs",
    "make test": "is what runs this test",
    INSTALL: "needs a cluster with Helm and images; the end-to-end test runs it",
    SMOLLM: "an hour, with data and a model from elsewhere; test_smollm_example.py plans it",
    "pip install .": "would change the environment; test_the_plug_in_of_the_docs does its part",
}

_FENCE = re.compile(r"^```(\S*) ?(.*)$")


@dataclass(frozen=True)
class Block:
    """A fenced block. ``info`` are the words after the language: ``fragment``, ``checked``,
    ``file=NAME``, ``cluster`` (run by the tests of the cluster level)."""

    page: str
    line: int  # of the opening fence, from 1
    language: str
    info: tuple[str, ...]
    text: str  # with its last line break

    @property
    def file(self) -> str:
        """The file that the page tells a reader to save the block as; empty: none."""
        return next((w.removeprefix("file=") for w in self.info if w.startswith("file=")), "")

    @property
    def is_commands(self) -> bool:
        return self.language in SHELL

    @property
    def on_cluster(self) -> bool:
        return "cluster" in self.info

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(path: Path, root: Path) -> Iterator[Block]:
    """The blocks of a page in order. Raises ValueError where a fence is left open."""
    page = path.relative_to(root).as_posix()
    opened: tuple[int, str, tuple[str, ...]] | None = None
    held: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        fence = _FENCE.match(line)
        if opened is None and fence:
            opened, held = (number, fence[1], tuple(fence[2].split())), []
        elif opened is not None and line == "```":
            yield Block(page, *opened, "".join(f"{text}\n" for text in held))
            opened = None
        elif opened is not None:
            held.append(line)
    if opened is not None:
        raise ValueError(f"{page}:{opened[0]}: the block is not closed")
