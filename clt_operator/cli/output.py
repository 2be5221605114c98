"""What verbs print: data to standard output in the form that was asked for, talk to stderr.

Whoever reads a part of the data only (``cltctl get … | head``) has what they wanted: the rest
goes nowhere, and that is no failure.
"""

import os
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer

from clt_operator.cli.options import DEFAULT_NAMESPACE, Format, ListFormat


def say(text: str) -> None:
    """Talk: what is going on, and what to do next."""
    print(text, file=sys.stderr)


def show(value: Any) -> None:
    """Data, as text."""
    try:
        print(value)
    except BrokenPipeError:
        _discard()
        raise typer.Exit(0) from None


def flush() -> None:
    """Hands over what is still in the buffer, at the end."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _discard()


def _discard() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def dump(value: Any, form: Format | ListFormat) -> None:
    """A value as JSON or YAML."""
    if form == Format.yaml:
        import yaml

        show(yaml.safe_dump(value, sort_keys=False, allow_unicode=True).rstrip("\n"))
    else:
        import json

        show(json.dumps(value, indent=2, ensure_ascii=False))


def command(verb: str, *words: str, **options: Any) -> str:
    """A command line to offer as the next step: what was given on this one is given again."""
    line = ["cltctl", verb, *words]
    in_store = "store" in options  # where the default namespace is the same for everybody
    for name, value in options.items():
        if value is True:
            line.append(f"--{name}")
        elif isinstance(value, list):
            line += [part for each in value for part in (f"--{name}", each)]
        elif value and not (name == "namespace" and value == DEFAULT_NAMESPACE and in_store):
            line += [f"--{name}", str(value)]
    return shlex.join(line)


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Columns as wide as their widest cell, two spaces apart; capitals above, no lines."""
    texts = [[str(header).upper() for header in headers]]
    texts += [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in texts) for at in range(len(headers))]
    for row in texts:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        show("  ".join(cells).rstrip())


def listing(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    form: Format | ListFormat,
    kind: str,
    *,
    more: Sequence[str] = (),
) -> None:
    """Rows as a table of some columns (``more`` of them when wide), as names, or whole."""
    if form in (Format.table, ListFormat.wide):
        shown = [*columns, *more] if form == ListFormat.wide else columns
        table(shown, [[row.get(column, "") for column in shown] for row in rows])
    elif form == Format.name:
        for row in rows:
            show(f"{kind}/{row['name']}")
    else:
        dump(list(rows), form)
