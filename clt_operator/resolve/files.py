"""Files of a source: found, hashed, counted. Local paths and globs, and s3 locations.

The order of the files is part of the digest: the position of a row names its item.
"""

import glob
import hashlib
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory

from clt_operator.api.errors import InputError
from clt_operator.api.keys import files_digest
from clt_operator.api.lock import FileLock, LanguageRows
from clt_operator.api.spec.names import split_source
from clt_operator.api.spec.task import DataSpec
from clt_operator.resolve.counting import POSITION, count_rows


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def lock_file(path: Path) -> FileLock:
    status = path.stat()
    return FileLock(
        location=str(path), sha256=sha256_of(path), size=status.st_size, modified=status.st_mtime
    )


def language_rows(data: DataSpec, language: str, base: Path) -> LanguageRows:
    """Digest, files and row count of one language of a file source.

    Raises InputError where no file matches, or one cannot be read.
    """
    scheme, rest = split_source(data.source)
    named = data.language_names.get(language, language)
    pattern = rest.replace("{language}", named)
    if pattern.startswith("s3://"):
        return _s3_rows(pattern)
    paths = find(pattern, base)
    files = [lock_file(path) for path in paths]
    header = not any(POSITION.search(template) for template in data.columns.values())
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
        raise InputError(f"there is no file {root}")
    return files


def _s3_rows(pattern: str) -> LanguageRows:
    """Objects are hashed now and their rows counted when they are fetched."""
    prefix, _, name = pattern.rpartition("/")
    files = s3_files(prefix, name)
    return LanguageRows(digest=files_digest([f.sha256 for f in files]), files=files)


def s3_files(prefix: str, pattern: str) -> list[FileLock]:
    """Objects directly below a prefix whose name matches, hashed through a scratch copy."""
    from clt_operator.store import open_store  # noqa: PLC0415 - boto3 is heavy

    store = open_store(prefix)
    files = []
    with TemporaryDirectory() as scratch:
        copy = Path(scratch) / "object"
        for info in store.list(""):
            if fnmatchcase(info.name, pattern):
                store.download(info.name, copy)
                files.append(
                    FileLock(
                        location=f"{prefix}/{info.name}",
                        sha256=sha256_of(copy),
                        size=info.size,
                        modified=info.modified,
                    )
                )
                copy.unlink()
    if not files:
        raise InputError(f"there is no object {prefix}/{pattern}")
    return files
