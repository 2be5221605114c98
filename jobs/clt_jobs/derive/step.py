"""derive: maps rows to rows by a registered operation."""

from clt_jobs.context import Context
from clt_jobs.derive import cluster, filter, split, subset  # noqa: F401 (they register)
from clt_jobs.derive.registry import run_operation
from clt_operator.api.kinds.derive import DeriveParams


def derive(params: DeriveParams, context: Context) -> None:
    """Runs the operation. Raises InputError for wrong arguments or rows."""
    run_operation(params.operation, params.arguments, context)
