"""What verbs print: data to standard output in the form that was asked for, talk to stderr."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clt_operator.cli.options import Format


def say(text: str) -> None:
    """Talk: what is going on, and what to do next."""
    print(text, file=sys.stderr)


def show(value: Any) -> None:
    """Data, as text."""
    print(value)


def dump(value: Any, form: Format) -> None:
    """A value as JSON or YAML."""
    if form is Format.yaml:
        import yaml

        yaml.safe_dump(value, sys.stdout, sort_keys=False, allow_unicode=True)
    else:
        json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
        print()


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Columns as wide as their widest cell, two spaces apart; capitals above, no lines."""
    texts = [[str(header).upper() for header in headers]]
    texts += [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in texts) for at in range(len(headers))]
    for row in texts:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def listing(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], form: Format, kind: str
) -> None:
    """Rows as a table of some columns, as names, or whole."""
    if form is Format.table:
        table(columns, [[row.get(column, "") for column in columns] for row in rows])
    elif form is Format.name:
        for row in rows:
            print(f"{kind}/{row['name']}")
    else:
        dump(list(rows), form)
