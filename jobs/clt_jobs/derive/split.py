"""split: a training and a test part, the same items in every language.

Clusters (or items, without clusters) are ordered by the permutation of their ids and go to the
test part until it holds the asked share of items. With a ``clusters`` input its items are what
is counted, so that the cut is the same in every language, whichever rows a language lacks; an
item it does not know goes to the side where its own id falls. Without it, languages have the
same parts as far as they have the same items.
"""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from pydantic import Field

from clt_jobs.context import Context
from clt_jobs.data.permutation import order, rank
from clt_jobs.data.rows import Row, read_rows, write_rows
from clt_jobs.derive.clusters import read_clusters
from clt_jobs.derive.registry import operation
from clt_operator.api.base import Record
from clt_operator.api.errors import InputError

SALT = "split"


class SplitArguments(Record):
    """``test_fraction``: the share of items in the test part, at least."""

    test_fraction: float = Field(gt=0, lt=1)
    seed: int = Field(default=0, ge=0)


@operation("split", SplitArguments)
def split(arguments: SplitArguments, context: Context) -> None:
    """Inputs ``rows``, optional ``clusters``; outputs ``train`` and ``test``.

    Raises InputError where one part would be empty.
    """
    rows = read_rows(context.input("rows"))
    clusters: Mapping[str, str] | None = None
    if context.has_input("clusters"):
        clusters = read_clusters(context.input("clusters"))
        rows = [replace(row, cluster=clusters.get(row.item, row.item)) for row in rows]
    chosen = items_of_test({row.item for row in rows}, clusters, arguments)
    parts: dict[str, list[Row]] = {"train": [], "test": []}
    for row in rows:
        parts["test" if row.item in chosen else "train"].append(row)
    for name, part in parts.items():
        if not part:
            raise InputError(
                f"the {name} part of {len(rows)} rows would be empty at test_fraction "
                f"{arguments.test_fraction}: change the fraction or lower the cluster threshold"
            )
        write_rows(context.output(name), part)
    context.summarise(**_figures(parts, clusters), dropped={})


def items_of_test(
    items: set[str], clusters: Mapping[str, str] | None, arguments: SplitArguments
) -> set[str]:
    """The items of the test part; ``clusters`` maps items of the reference to clusters."""
    known = clusters if clusters is not None else {item: item for item in items}
    sizes: dict[str, int] = {}
    for name in known.values():
        sizes[name] = sizes.get(name, 0) + 1
    names = list(sizes)
    wanted = Fraction(str(arguments.test_fraction)) * len(known)
    in_test: set[str] = set()
    taken = 0
    cut = -1
    for index in order(names, arguments.seed, SALT):
        if taken >= wanted:
            break
        name = names[index]
        in_test.add(name)
        taken += sizes[name]
        cut = rank(name, arguments.seed, SALT)

    def is_test(item: str) -> bool:
        if item in known:
            return known[item] in in_test
        return rank(item, arguments.seed, SALT) <= cut

    return {item for item in items if is_test(item)}


def _figures(parts: Mapping[str, list[Row]], clusters: Mapping[str, str] | None) -> dict[str, int]:
    figures = {"rows": sum(map(len, parts.values()))}
    for name, part in parts.items():
        figures[f"{name}_rows"] = len(part)
        figures[f"{name}_items"] = len({row.item for row in part})
        if clusters is not None:
            figures[f"{name}_clusters"] = len({row.cluster for row in part})
    if clusters is not None:
        every = {row.item for part in parts.values() for row in part}
        figures["items_without_cluster"] = len(every - clusters.keys())
        figures["clustered_items_absent"] = len(clusters.keys() - every)
    return figures
