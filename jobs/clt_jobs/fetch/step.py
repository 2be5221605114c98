"""fetch: brings data or a model into the store, once, at a pinned revision."""

from clt_jobs.context import Context
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.fetch import FetchParams


def fetch(params: FetchParams, context: Context) -> None:
    """Writes ``rows``, or ``model`` and ``tokenizer``. Raises InputError, TransientError."""
    if (params.rows is None) == (params.model is None):
        raise InputError("a fetch step brings either rows or a model")
    if params.rows is not None:
        from clt_jobs.fetch.rows import fetch_rows

        fetch_rows(params.rows, context)
    elif params.model is not None:
        from clt_jobs.fetch.model import fetch_model

        fetch_model(params.model, context)
