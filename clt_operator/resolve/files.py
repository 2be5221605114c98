"""Files of a source: found, hashed, counted. Local paths and globs, and s3 locations.

The order of the files is part of the digest: the position of a row names its item.
"""

import glob
import hashlib
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from os.path import commonprefix
from pathlib import Path
from tempfile import TemporaryDirectory

from clt_operator.api.errors import InputError
from clt_operator.api.keys import files_digest
from clt_operator.api.lock import FileLock, LanguageRows
from clt_operator.api.spec.names import split_source
from clt_operator.api.spec.task import DataSpec
from clt_operator.resolve.counting import count_rows, has_header


class NotThere(InputError):
    """Nothing lies at the place: it may be on another machine, or not made yet."""


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def lock_file(path: Path) -> FileLock:
    """Raises InputError where the file cannot be read."""
    try:
        status = path.stat()
        found = sha256_of(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    return FileLock(location=str(path), sha256=found, size=status.st_size, modified=status.st_mtime)


def language_rows(
    data: DataSpec, language: str, base: Path, environment: Mapping[str, str] | None = None
) -> LanguageRows:
    """Digest, files and row count of one language of a file source.

    Raises NotThere where no file matches, InputError where one cannot be read or has no rows
    of the language.
    """
    scheme, rest = split_source(data.source)
    named = data.language_names.get(language, language)
    pattern = rest.replace("{language}", named)
    if pattern.startswith("s3://"):
        return _s3_rows(pattern, environment)
    paths = find(pattern, base)
    files = [lock_file(path) for path in paths]
    header = has_header(data.columns.values(), data.language_column)
    rows = sum(count_rows(scheme, path, data.language_column, named, header) for path in paths)
    if data.language_column and not rows:
        raise InputError(
            f"{pattern} has no rows of {language!r}: none has {named!r} in column "
            f"{data.language_column!r} (languageNames maps codes to the source's names)"
        )
    return LanguageRows(digest=files_digest([f.sha256 for f in files]), rows=rows, files=files)


def find(pattern: str, base: Path) -> list[Path]:
    """Files of a path or glob, sorted; relative ones start at ``base``."""
    root = str(base / pattern)
    found = glob.glob(root, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
    paths = sorted(Path(name) for name in found)
    files = [path for path in paths if path.is_file()]
    if not files:
        raise NotThere(f"there is no file {root}")
    return files


def _s3_rows(pattern: str, environment: Mapping[str, str] | None) -> LanguageRows:
    """Objects are hashed now and their rows counted when they are fetched."""
    place, mark, options = pattern.partition("?")
    prefix, _, name = place.rpartition("/")
    files = s3_files(prefix + mark + options, (name,), environment)
    return LanguageRows(digest=files_digest([f.sha256 for f in files]), files=files)


def _common(patterns: Sequence[str]) -> str:
    """What the names that match begin with: a store may hold millions of others."""
    literal = [re.split(r"[*?\[]", pattern)[0] for pattern in patterns]
    return commonprefix(literal)  # noqa: RUF071 - of characters, as a bucket lists


def s3_files(
    uri: str, patterns: Sequence[str], environment: Mapping[str, str] | None = None
) -> list[FileLock]:
    """Objects directly below a prefix whose name matches one of the patterns, in name order,
    hashed through a scratch copy. ``uri`` may carry the options of a store's URI.

    Raises NotThere where there is none, StoreError or TransientError of the store.
    """
    from clt_operator.store import open_store  # noqa: PLC0415 - boto3 is heavy

    store = open_store(uri, environment)
    place, mark, options = uri.partition("?")
    files = []
    with TemporaryDirectory() as scratch:
        copy = Path(scratch) / "object"
        for info in store.list(_common(patterns)):
            if "/" in info.name or not any(fnmatchcase(info.name, each) for each in patterns):
                continue
            store.download(info.name, copy)
            files.append(
                FileLock(
                    location=f"{place.rstrip('/')}/{info.name}{mark}{options}",
                    sha256=sha256_of(copy),
                    size=info.size,
                    modified=info.modified,
                )
            )
            copy.unlink()
    if not files:
        raise NotThere(f"there is no object {place.rstrip('/')}/{' or '.join(patterns)}")
    return files
