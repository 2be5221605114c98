"""fetch: brings data or a model into the store, once, at a pinned revision.

Outputs: ``rows`` (one Parquet file, ``rows.parquet``) for data, ``model`` and ``tokenizer``
(directories that ``transformers`` loads) for models. Locations are hints: only content is in
the key, so that a moved file re-keys nothing.

Hints: ``uri`` as the spec wrote it, and ``files``, the resolved local or s3 locations.
"""

from typing import Any, ClassVar, Literal

from clt_operator.api.base import Params, Record

RowsFormat = Literal["jsonl", "json", "parquet", "tsv", "csv", "hf", "generator"]
ModelFormat = Literal["hf", "directory", "gguf", "init"]


class RowsRequest(Record):
    """Rows of one language from one source.

    ``columns`` maps a field of the row (prompt, response, answer, options, item, cluster, …)
    to a template over the source's columns: ``"{question}"``, ``"{equation} = {answer}"``.
    Columns of a source without a header are named by position: ``"{0}"``. Where ``item`` is
    not mapped, the position of the row among the source's rows of that language names it, so
    that parallel files share item ids.
    """

    format: RowsFormat
    language: str
    digest: str = ""  # content digest of the files, or revision of the hub repository
    name: str = ""  # repository of the hub, or name of the generator
    config: str = ""
    split: str = ""
    columns: dict[str, str] = {}
    language_column: str = ""
    language_value: str = ""  # what the source calls this language in that column
    arguments: dict[str, Any] = {}  # of a generator
    provenance: str = ""  # human, post-edited, machine; empty: not stated
    license: str = ""
    max_bad_rows: int = 0  # more than this many unreadable rows is an error


class ModelRequest(Record):
    """A model from a hub repository, a directory, a GGUF file, or freshly initialised."""

    format: ModelFormat
    digest: str = ""
    name: str = ""
    architecture: dict[str, Any] = {}  # of an initialised model
    tokenizer: str = ""  # of an initialised model: "characters"
    alphabet: str = ""  # of the character tokenizer; sorted, no duplicates
    seed: int = 0


class FetchParams(Params):
    kind: ClassVar[str] = "fetch"
    rows: RowsRequest | None = None
    model: ModelRequest | None = None
