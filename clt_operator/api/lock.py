"""The lock: what a spec resolved to. Planning uses it until ``cltctl upgrade`` makes a new one.

An entry that could not be looked up (no hub at hand) is kept with ``pinned`` false: such a
lock can be planned with, and the plan says so, but not applied.
"""

from clt_operator.api.base import Record
from clt_operator.api.keys import digest
from clt_operator.api.spec.model import ModelSpec
from clt_operator.api.spec.task import DataSpec

_DATA_FIELDS = {"source", "revision", "config", "split", "language_column", "language_names"}
_MODEL_FIELDS = {"source", "revision"}


def data_request(data: DataSpec) -> str:
    """What names a data source in the lock: the digest of the spec fields that locate it, and
    of a generator's arguments."""
    fields = _DATA_FIELDS | ({"arguments"} if data.arguments else set())
    return digest(data.model_dump(mode="json", include=fields))


def model_request(model: ModelSpec) -> str:
    """What names a model in the lock."""
    return digest(model.model_dump(mode="json", include=_MODEL_FIELDS))


class FileLock(Record):
    """A local or s3 file. Size and time only tell cheaply that it may have changed since."""

    location: str
    sha256: str
    size: int
    modified: float = 0.0


class LanguageRows(Record):
    """What a source holds for one language."""

    digest: str = ""
    rows: int | None = None  # None: not known before the data is fetched
    files: list[FileLock] = []


class SourceLock(Record):
    """A data source, by language."""

    source: str
    revision: str = ""
    pinned: bool = True
    reason: str = ""  # why it is not pinned
    languages: dict[str, LanguageRows] = {}


class ModelLock(Record):
    source: str
    revision: str = ""
    digest: str = ""
    pinned: bool = True
    reason: str = ""  # why it is not pinned
    files: list[FileLock] = []
    parameters: int | None = None
    layers: int | None = None
    hidden: int | None = None
    vocabulary: int | None = None


class Lock(Record):
    """Immutable record of a resolution."""

    format: int = 1
    clt_version: str
    kind_versions: dict[str, int]
    variables: dict[str, str] = {}  # interpolated by the CLI
    models: dict[str, ModelLock] = {}  # by request
    sources: dict[str, SourceLock] = {}  # by request
    spec: dict[str, object] = {}  # as resolved: every default written out

    @property
    def unpinned(self) -> list[str]:
        """Sources and models that still have no revision, as the spec writes them."""
        return sorted(self.reasons)

    @property
    def reasons(self) -> dict[str, str]:
        """Why sources and models are not pinned; those that are are not listed."""
        entries: list[ModelLock | SourceLock] = [*self.models.values(), *self.sources.values()]
        return {entry.source: entry.reason for entry in entries if not entry.pinned}
