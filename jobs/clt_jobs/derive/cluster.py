"""cluster: finds near-duplicates among the items of one language.

A random split of rows leaves near twins on both sides; a split by cluster does not, and errors
can be clustered too. Rows that already carry a cluster are linked through it. A cluster is
named by the first of its items in the order of ids, so the file's order has no say.
"""

from pydantic import Field

from clt_jobs.context import Context
from clt_jobs.data.rows import Row, read_rows
from clt_jobs.derive.clusters import write_clusters
from clt_jobs.derive.registry import operation
from clt_jobs.derive.similarity import Components, link_similar, shingles
from clt_operator.api.base import Record
from clt_operator.api.errors import InputError
from clt_operator.api.languages import language


class ClusterArguments(Record):
    """``threshold``: Jaccard similarity of word trigrams at which two texts are one cluster."""

    threshold: float = Field(default=0.6, gt=0, le=1)
    field: str = Field(default="prompt", pattern="^(prompt|response|answer)$")


@operation("cluster", ClusterArguments)
def cluster(arguments: ClusterArguments, context: Context) -> None:
    """Input ``rows``; output ``clusters``; the summary counts items, clusters and the largest."""
    rows = read_rows(context.input("rows"))
    clusters = cluster_items(rows, arguments)
    write_clusters(context.output("clusters"), clusters)
    sizes = list(_sizes(clusters).values())
    context.summarise(
        rows=len(rows),
        items=len(clusters),
        clusters=len(sizes),
        largest=max(sizes, default=0),
        alone=sizes.count(1),
        dropped={},
    )


def cluster_items(rows: list[Row], arguments: ClusterArguments) -> dict[str, str]:
    """Cluster by item, in the order of the items' first rows.

    Raises InputError for a row whose text is null.
    """
    rows = sorted(rows, key=lambda row: (row.item, row.id))
    sets = [_shingles(row, arguments.field) for row in rows]
    components = Components(len(rows))
    _link_same(rows, components)
    link_similar(sets, arguments.threshold, components)
    named = {row.item: rows[components.find(at)].item for at, row in enumerate(rows)}
    return dict(sorted(named.items()))


def _shingles(row: Row, field: str) -> frozenset[str]:
    text: str | None = getattr(row, field)
    if text is None:
        raise InputError(f"row {row.id}: {field} is null, so it cannot be compared")
    return shingles(text, spaceless=language(row.language).spaceless)


def _link_same(rows: list[Row], components: Components) -> None:
    """Links rows of one item, and rows that carry the same cluster."""
    first: dict[tuple[str, str], int] = {}
    for at, row in enumerate(rows):
        components.join(first.setdefault(("item", row.item), at), at)
        if row.cluster is not None:
            components.join(first.setdefault(("cluster", row.cluster), at), at)


def _sizes(clusters: dict[str, str]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for name in clusters.values():
        sizes[name] = sizes.get(name, 0) + 1
    return sizes
