"""Files kept near the processes that read them again and again, by their SHA-256.

The directory is shared by pods that need not trust each other: what is taken out is copied first
and checked then, so that a file somebody changed is a miss. A cache that is full or broken costs
time, never an answer.
"""

import shutil
import uuid
from contextlib import suppress
from pathlib import Path

from clt_operator.api.step import FileEntry
from clt_operator.store.protocol import ObjectNotFound
from clt_operator.store.trees import WrongBytes, check_file

SMALLEST = 1 << 20  # bytes; a smaller file is read from the store as quickly
ROOM = 1 << 30  # bytes that stay free for what others write
_UNFINISHED = ".tmp-"


class FileCache:
    """A directory of files; safe to share between processes."""

    def __init__(self, directory: Path, *, smallest: int = SMALLEST, room: int = ROOM) -> None:
        self.directory, self.smallest, self.room = directory, smallest, room

    def take(self, entry: FileEntry, target: Path) -> bool:
        """Copies the file to ``target``; False where it is not there whole."""
        if entry.size < self.smallest:
            return False
        held = self._place(entry)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(held, target)
            check_file(target, entry)
        except (OSError, WrongBytes, ObjectNotFound) as error:
            with suppress(OSError):
                target.unlink(missing_ok=True)
            if isinstance(error, WrongBytes):
                with suppress(OSError):
                    held.unlink()
            return False
        with suppress(OSError):  # a file of another user: it is old sooner
            held.touch()
        return True

    def keep(self, entry: FileEntry, path: Path) -> None:
        """Holds a copy of a file that was checked, and lets go of what was not used longest."""
        held = self._place(entry)
        if entry.size < self.smallest or held.exists():
            return
        unfinished = self.directory / f"{_UNFINISHED}{uuid.uuid4().hex}"
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            if self._make_room(entry.size):
                shutil.copyfile(path, unfinished)
                unfinished.replace(held)
        except OSError:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)

    def _place(self, entry: FileEntry) -> Path:
        return self.directory / entry.sha256

    def _make_room(self, size: int) -> bool:
        files = sorted(
            (path for path in self.directory.iterdir() if path.is_file()),
            key=lambda path: path.stat().st_mtime,
        )
        for path in files:
            if self._fits(size):
                break
            path.unlink(missing_ok=True)
        return self._fits(size)

    def _fits(self, size: int) -> bool:
        return shutil.disk_usage(self.directory).free >= size + self.room
