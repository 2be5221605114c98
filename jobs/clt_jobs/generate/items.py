"""Which rows of a cell are evaluated, and which serve as worked examples.

The choice depends on item ids and the seed alone, so that parallel languages and all
checkpoints answer the same items.
"""

from collections import Counter
from collections.abc import Sequence

from clt_jobs.data.permutation import order
from clt_jobs.data.rows import Row
from clt_operator.api.errors import InputError


def choose_items(rows: Sequence[Row], language: str, items: int, seed: int) -> list[Row]:
    """The evaluated rows of a language, in the order of the file.

    ``items`` 0 means all; otherwise the first so many of the seeded permutation of item ids.
    Raises InputError where the language has no rows, too few, or an item twice.
    """
    own = [row for row in rows if row.language == language]
    if not own:
        found = ", ".join(sorted({row.language for row in rows})) or "none at all"
        raise InputError(f"the rows have no language {language!r}; they have {found}")
    twice = [item for item, count in Counter(row.item for row in own).items() if count > 1]
    if twice:
        raise InputError(
            f"item {twice[0]!r} occurs more than once in {language!r} ({len(twice)} such items): "
            f"scores pair by item, so map 'item' to a column that is unique within a language"
        )
    if items > len(own):
        raise InputError(
            f"{items} items are asked for, but {language!r} has {len(own)}: "
            f"lower test.items or give the source more rows"
        )
    if items == 0:
        return own
    chosen = order([row.item for row in own], seed)[:items]
    return [own[index] for index in sorted(int(index) for index in chosen)]


def choose_shots(rows: Sequence[Row], shots: int, evaluated: Sequence[Row]) -> list[Row]:
    """The first ``shots`` rows of the file of worked examples.

    Raises InputError where there are too few, or where one is also evaluated.
    """
    if shots > len(rows):
        raise InputError(f"{shots} worked examples are asked for, but 'shots' has {len(rows)} rows")
    chosen = list(rows[:shots])
    asked = {row.prompt for row in evaluated if row.prompt}
    for row in chosen:
        if row.prompt in asked:
            raise InputError(
                f"worked example {row.id!r} has the prompt of an evaluated item: its answer would "
                f"stand in the prompt; take the examples from another split"
            )
    return chosen
