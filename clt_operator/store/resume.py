"""Resume states: complete or absent, written only under the attempt that saves them.

A state lies in a directory of its own, ``<sequence>-<name>``, and counts once COMPLETE.json
is there; that file goes first when a newer state replaces it. A reader checks every file, so
a state that is removed while it is read is passed over, never returned torn.
"""

import logging
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clt_operator.api.base import Record
from clt_operator.api.errors import TransientError
from clt_operator.api.step import Claim, FileEntry
from clt_operator.store import layout
from clt_operator.store.attempts import Attempts
from clt_operator.store.names import check_word
from clt_operator.store.protocol import ObjectNotFound
from clt_operator.store.records import encode, read
from clt_operator.store.trees import WrongBytes, fetch_file, upload_tree

log = logging.getLogger(__name__)

READ_ROUNDS = 5  # an attempt that still runs may replace a state while it is read
_STATE = re.compile(r"(\d{6,})-[^/]+")


class StateFiles(Record):
    """COMPLETE.json: what a state consists of; paths are below the state's ``files/``."""

    name: str
    sequence: int
    files: list[FileEntry]


class _Replaced(Exception):
    """The state's attempt removed it since it was listed."""


@dataclass(frozen=True, slots=True)
class _State:
    sequence: int
    prefix: str
    objects: tuple[str, ...]

    @property
    def marker(self) -> str:
        return self.prefix + layout.COMPLETE

    @property
    def complete(self) -> bool:
        return self.marker in self.objects


class ResumeStates(Attempts):
    def save_resume(self, claim: Claim, name: str, directory: Path) -> None:
        """Keeps a directory for the attempts after this one; older states of the same attempt
        are removed once the new one is complete."""
        older = self._states(claim.key, claim.attempt)
        sequence = 1 + max((state.sequence for state in older), default=0)
        folder = f"{sequence:06d}-{check_word(name, 'name of a resume state')}"
        prefix = f"{layout.resume(claim.key, claim.attempt)}{folder}/"
        files = upload_tree(self.store, f"{prefix}files/", directory)
        state = StateFiles(name=name, sequence=sequence, files=files)
        self.store.put(prefix + layout.COMPLETE, encode(state))
        self.store.delete(state.marker for state in older if state.complete)
        self.store.delete(n for state in older for n in state.objects if n != state.marker)

    def load_resume(self, key: str, below_attempt: int, directory: Path) -> Path | None:
        """A checked copy, below ``directory``, of the newest complete state of the attempts
        before ``below_attempt``: the highest attempt that has one, its latest state.

        None where no attempt left a state. Raises TransientError where states were there but
        were replaced each time before they could be read.
        """
        for _ in range(READ_ROUNDS):
            replaced = False
            for attempt, state in self._complete_states(key, below_attempt):
                target = directory / f"{attempt:04d}-{state.sequence:06d}"
                try:
                    return self._copy(state, target)
                except _Replaced:
                    replaced = True
                except WrongBytes as fault:
                    log.warning("resume state %s passed over: %s", state.prefix, fault)
                shutil.rmtree(target, ignore_errors=True)
            if not replaced:
                return None
        raise TransientError(
            f"the resume states of {key} changed each of {READ_ROUNDS} times they were read: "
            "an earlier attempt still runs; try again"
        )

    def _copy(self, state: _State, target: Path) -> Path:
        """Raises _Replaced, or WrongBytes where the state is damaged for good."""
        contents = read(self.store, state.marker, StateFiles)
        if contents is None:
            raise _Replaced
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for entry in contents.files:
            name = f"{state.prefix}files/{entry.path}"
            try:
                fetch_file(self.store, name, entry, target / entry.path)
            except (ObjectNotFound, WrongBytes) as fault:
                if read(self.store, state.marker, StateFiles) is None:
                    raise _Replaced from fault
                why = str(fault) if isinstance(fault, WrongBytes) else "is missing"
                raise WrongBytes(f"{entry.path} {why}") from fault
        return target

    def _complete_states(self, key: str, below_attempt: int) -> Iterator[tuple[int, _State]]:
        """Complete states of earlier attempts, the newest first."""
        for attempt in reversed(self._numbers(layout.claims(key))):
            if attempt < below_attempt:
                for state in reversed(self._states(key, attempt)):
                    if state.complete:
                        yield attempt, state

    def _states(self, key: str, attempt: int) -> list[_State]:
        """The states under an attempt, complete or not, by sequence."""
        base = layout.resume(key, attempt)
        objects: dict[str, list[str]] = {}
        for info in self.store.list(base):
            objects.setdefault(info.name.removeprefix(base).partition("/")[0], []).append(info.name)
        states = [
            _State(int(match[1]), f"{base}{folder}/", tuple(names))
            for folder, names in objects.items()
            if (match := _STATE.fullmatch(folder))
        ]
        return sorted(states, key=lambda state: state.sequence)
