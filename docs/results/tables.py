"""Tables of a report as text: CSV files to keep in a repository, and tables for a page.

``python docs/results/tables.py REPORT TARGET`` reads the Parquet tables that ``cltctl report``
wrote into REPORT and writes one CSV file each into TARGET. The page in TARGET shows what
``contrasts`` and ``levels`` make of those files; a test holds the two together.
"""

import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow.csv as pc
import pyarrow.parquet as pq

Record = dict[str, str]

GROUPS = ("pivot", "seen", "unseen")


def as_csv(report: Path, target: Path) -> list[Path]:
    """The CSV files, one per Parquet table, in the order of their names."""
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for source in sorted(report.glob("*.parquet")):
        written.append(target / f"{source.stem}.csv")
        pc.write_csv(pq.read_table(source), written[-1])
    return written


def contrasts(directory: Path) -> str:
    """The declared contrasts of ``contrasts.csv`` as a Markdown table."""
    declared = [row for row in _read(directory / "contrasts.csv") if row["declared"] == "true"]
    head = ("contrast", "task", "against", "change", "interval", "simultaneous", "p adj.")
    lines = [
        (
            row["contrast"],
            row["task"],
            row["reference"],
            _number(row["value"], signed=True),
            _interval(row["lo"], row["hi"], signed=True),
            _interval(row["simultaneous_lo"], row["simultaneous_hi"], signed=True),
            _number(row["p_adjusted"]),
            row["verdict"],
        )
        for row in declared
    ]
    return _table((*head, "verdict"), lines)


def levels(directory: Path, task: str, metric: str) -> str:
    """Means of the pivot, of seen and of unseen languages at every point, from
    ``quantities.csv``."""
    places: dict[tuple[str, str], dict[str, Record]] = {}
    for row in _read(directory / "quantities.csv"):
        if (row["task"], row["metric"]) == (task, metric) and row["quantity"] in GROUPS:
            places.setdefault((row["control"], row["k"]), {})[row["quantity"]] = row
    lines = []
    for (control, k), found in places.items():
        point = (
            "untrained" if control == "untrained" else ", ".join(filter(None, (control, f"k={k}")))
        )
        values = (
            f"{_number(found[group]['value'])} {_interval(found[group]['lo'], found[group]['hi'])}"
            for group in GROUPS
        )
        lines.append((point, *values))
    return _table(("point", *GROUPS), lines)


def _read(path: Path) -> list[Record]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _number(text: str, *, signed: bool = False) -> str:
    value = round(float(text), 2) or 0.0  # no minus before a zero
    return f"{value:{'+' if signed and value else ''}.2f}".replace("-", "−")


def _interval(lo: str, hi: str, *, signed: bool = False) -> str:
    """The interval in brackets; in words where nothing varied and so there is none."""
    if not lo:
        return "(no variation)"
    return f"[{_number(lo, signed=signed)}, {_number(hi, signed=signed)}]"


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    for path in as_csv(Path(sys.argv[1]), Path(sys.argv[2])):
        print(path)
