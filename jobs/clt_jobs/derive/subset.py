"""subset: the rows of the first items of the permutation; smaller subsets lie in larger ones."""

from pydantic import Field

from clt_jobs.context import Context
from clt_jobs.data.permutation import order
from clt_jobs.data.rows import read_rows, write_rows
from clt_jobs.derive.registry import operation
from clt_operator.api.base import Record
from clt_operator.api.errors import InputError

SALT = "subset"


class SubsetArguments(Record):
    items: int = Field(gt=0)
    seed: int = Field(default=0, ge=0)


@operation("subset", SubsetArguments)
def subset(arguments: SubsetArguments, context: Context) -> None:
    """Input ``rows``; output ``rows``, in their order. Raises InputError for too few items."""
    rows = read_rows(context.input("rows"))
    items = list(dict.fromkeys(row.item for row in rows))
    if len(items) < arguments.items:
        raise InputError(
            f"{arguments.items} items asked for, the source has {len(items)}: ask for fewer"
        )
    kept = {items[index] for index in order(items, arguments.seed, SALT)[: arguments.items]}
    chosen = [row for row in rows if row.item in kept]
    write_rows(context.output("rows"), chosen)
    context.summarise(
        rows=len(chosen),
        items=len(kept),
        read=len(rows),
        dropped={"not in the subset": len(rows) - len(chosen)},
    )
