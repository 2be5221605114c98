"""Records become rows: columns mapped, the language chosen, ids made, bad rows counted.

A row that cannot be used still takes its position, so that the item ids of parallel files stay
in step. Nothing is dropped without a reason in ``Counts``.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from clt_jobs.data.rows import Row
from clt_jobs.fetch.columns import (
    BadRow,
    ColumnTemplate,
    MissingColumn,
    Record,
    as_json,
    as_text,
    parse_template,
    unknown_column,
)
from clt_jobs.fetch.readers import Found, Wanted, columns_of
from clt_operator.api.errors import InputError
from clt_operator.api.keys import canonical
from clt_operator.api.kinds.fetch import RowsRequest
from clt_operator.api.languages import is_known, language

ROW_FIELDS = ("item", "cluster", "prompt", "response", "answer", "options", "provenance")
MADE_HERE = ("id", "language", "extra")
_EXAMPLES = 5  # bad rows that an error lists


@dataclass
class Counts:
    """What happened to the records of a source."""

    read: int = 0
    rows: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)  # by the source's own names
    columns: dict[str, None] = field(default_factory=dict)  # seen in any record, in order
    examples: list[str] = field(default_factory=list)


class Mapping:
    """The columns of one request, ready to be applied.

    Fields that a row does not have are kept in its ``extra``. Raises InputError for a template
    that cannot be understood, and where nothing is mapped.
    """

    def __init__(self, request: RowsRequest) -> None:
        made = sorted(set(MADE_HERE) & set(request.columns))
        if made:
            raise InputError(f"columns: {', '.join(made)} cannot be mapped: fetch makes them")
        if not request.columns:
            raise InputError("no columns are mapped: write columns: {prompt: '{question}', …}")
        self.request = request
        self.language = language(request.language)
        self.templates = {name: parse_template(text) for name, text in request.columns.items()}

    @property
    def wanted(self) -> Wanted:
        """The columns to read; digits alone mean that the files have no header."""
        columns = {name for template in self.templates.values() for name in template.columns}
        if self.request.language_column:
            columns.add(self.request.language_column)
        header = not columns or not all(name.isdecimal() for name in columns)
        return Wanted(frozenset(columns), header)

    def rows(self, found: Iterable[Found], counts: Counts) -> Iterator[Row]:
        """The rows of the requested language, in order. Raises InputError where too many
        records are unusable, where the source lacks the language, or where nothing is left."""
        position = 0
        used: Counter[str] = Counter()
        for entry in found:
            counts.read += 1
            try:
                record = self._record(entry, counts)
                if not self._is_ours(record, counts):
                    continue
                item = str(position)
                position += 1
                row = self._row(record, item)
            except BadRow as bad:
                if entry.record is None and not self.request.language_column:
                    position += 1
                self._count_bad(entry.place, bad, counts)
                continue
            used[row.id] += 1
            if used[row.id] > 1:
                row = replace(row, id=f"{row.id}#{used[row.id]}")
            counts.rows += 1
            yield row
        self._check(counts)

    def _record(self, entry: Found, counts: Counts) -> Record:
        if entry.record is None:
            raise BadRow(entry.reason, entry.detail)
        counts.columns.update(dict.fromkeys(columns_of(entry.record)))
        return entry.record

    def _is_ours(self, record: Record, counts: Counts) -> bool:
        column = self.request.language_column
        if not column:
            return True
        if column not in record:
            raise MissingColumn(column, f"{{{column}}}")
        name = as_text(record[column], column)
        counts.languages[name] += 1
        value = self.request.language_value
        if value not in ("", self.request.language):
            return name == value
        return name == value or (is_known(name) and language(name) == self.language)

    def _row(self, record: Record, item: str) -> Row:
        values = {name: _value(name, template, record) for name, template in self.templates.items()}
        extra = {name: value for name, value in values.items() if name not in ROW_FIELDS}
        item = values.get("item", item)
        if not item:
            raise BadRow("empty item", "the item id is empty")
        return Row(
            id=f"{item}:{self.language.code}",
            item=item,
            language=self.language.code,
            cluster=values.get("cluster"),
            prompt=values.get("prompt"),
            response=values.get("response"),
            answer=values.get("answer"),
            options=values.get("options"),
            provenance=values.get("provenance") or self.request.provenance or None,
            extra=canonical(extra) if extra else None,
        )

    def _count_bad(self, place: str, bad: BadRow, counts: Counts) -> None:
        counts.dropped[bad.reason] += 1
        message = str(bad)
        if isinstance(bad, MissingColumn) and bad.column not in counts.columns:
            message = unknown_column(bad.column, bad.template, list(counts.columns))
        if len(counts.examples) < _EXAMPLES:
            counts.examples.append(f"{place}: {message}")
        total = counts.dropped.total()
        if total > self.request.max_bad_rows:
            allowed = self.request.max_bad_rows
            raise InputError(
                "\n".join(counts.examples)
                + f"\n{total} unusable of {counts.read} rows read, {allowed} allowed: "
                "mend the source, or raise maxBadRows"
            )

    def _check(self, counts: Counts) -> None:
        if counts.rows:
            return
        code = self.language.code
        if counts.languages:
            wanted = self.request.language_value or code
            listed = ", ".join(f"{name} ({n})" for name, n in sorted(counts.languages.items())[:40])
            if wanted not in counts.languages:
                raise InputError(f"the source has no rows in {wanted!r}; it has {listed}")
        why = ", ".join(f"{reason}: {n}" for reason, n in sorted(counts.dropped.items()))
        raise InputError(
            f"no rows in {code}: {counts.read} read" + (f", dropped {why}" if why else "")
        )


def _value(name: str, template: ColumnTemplate, record: Record) -> Any:
    if name == "options":
        return _options(template, record)
    if name in ROW_FIELDS:
        return template.render(record)
    return as_json(template.value(record), name)


def _options(template: ColumnTemplate, record: Record) -> tuple[str, ...] | None:
    value = template.value(record)
    if value is None:
        return None
    if not isinstance(value, list | tuple):
        raise BadRow("wrong type", f"options: {template.text!r} is no list")
    return tuple(as_text(option, template.columns[0]) for option in value)
