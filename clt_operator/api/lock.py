"""The lock: what a spec resolved to. Planning uses it until ``cltctl upgrade`` makes a new one.

An entry that could not be looked up (no hub at hand) is kept with ``pinned`` false: such a
lock can be planned with, and the plan says so, but not applied.
"""

from clt_operator.api.base import Record


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
    """A data source, by language. ``request`` is the digest of the spec fields it came from."""

    source: str
    request: str
    revision: str = ""
    pinned: bool = True
    languages: dict[str, LanguageRows] = {}


class ModelLock(Record):
    source: str
    request: str
    revision: str = ""
    digest: str = ""
    pinned: bool = True
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
    models: dict[str, ModelLock] = {}
    sources: dict[str, SourceLock] = {}  # by "<task>/<role>"
    spec: dict[str, object] = {}  # as resolved: every default written out

    @property
    def unpinned(self) -> list[str]:
        """Sources and models that still have no revision, as the spec writes them."""
        entries = [*self.models.values(), *self.sources.values()]
        return sorted({entry.source for entry in entries if not entry.pinned})
