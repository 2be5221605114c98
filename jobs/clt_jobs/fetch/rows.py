"""fetch of rows: a generator, files or a hub data set become one rows artifact."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from clt_jobs.context import Context, StopRequested
from clt_jobs.data.rows import Row, RowWriter
from clt_jobs.fetch.hub import read_hub
from clt_jobs.fetch.mapping import Counts, Mapping
from clt_jobs.fetch.readers import READERS, Found, Wanted
from clt_jobs.fetch.sources import open_sources
from clt_operator.api.kinds.fetch import RowsRequest

_PROGRESS_EVERY = 1000  # rows


def fetch_rows(request: RowsRequest, context: Context) -> None:
    """Writes the output ``rows``; the summary counts rows read, kept and dropped by reason.

    Raises InputError for a source that is not there, changed, lacks the language or a column,
    holds more unreadable rows than allowed, or has no rows; TransientError of the network.
    """
    counts = Counts()
    with TemporaryDirectory(prefix="clt-fetch-") as scratch:
        rows = _rows(request, context, counts, Path(scratch))
        with RowWriter(context.output("rows")) as writer:
            for row in rows:
                writer.write(row)
                if writer.count % _PROGRESS_EVERY == 0:
                    context.progress(done=writer.count)
                    if context.stop_requested:
                        raise StopRequested  # nothing to save: the next attempt reads again
    context.summarise(
        rows=writer.count,
        read=counts.read,
        other_languages=counts.read - counts.rows - counts.dropped.total(),
        dropped=dict(sorted(counts.dropped.items())),
    )


def _rows(request: RowsRequest, context: Context, counts: Counts, scratch: Path) -> Iterator[Row]:
    if request.format == "generator":
        from clt_jobs.data.generators import generate

        return _counted(generate(request.name, request.language, request.arguments), counts)
    mapping = Mapping(request)
    return mapping.rows(_found(request, context, mapping.wanted, scratch), counts)


def _found(
    request: RowsRequest, context: Context, wanted: Wanted, scratch: Path
) -> Iterator[Found]:
    if request.format == "hf":
        yield from read_hub(request, wanted.columns)
        return
    locations = [str(location) for location in context.hints.get("files", [])]
    reader = READERS[request.format]
    for source in open_sources(locations, request.digest, scratch):
        yield from reader(source, wanted)


def _counted(rows: Iterator[Row], counts: Counts) -> Iterator[Row]:
    for row in rows:
        counts.read += 1
        counts.rows += 1
        yield row
