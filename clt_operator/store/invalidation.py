"""Invalidation: an artifact that was committed is none any more, nor is what was made from it.

What is invalidated is what the store knows to depend on it, by the documents of steps that were
tried, whichever experiment wanted them.

Drivers and Jobs may work meanwhile. Steps are therefore taken in the order in which they read
each other. When the turn of a step comes, the manifests that it reads are gone: an attempt that
begins now finds no input. Attempts that began before are overtaken by a claim, so that they
commit nothing; then a tombstone says why, resume states go (a new attempt would go on from
them), and the manifest goes. The report is the last to go, so that nobody begins to compute it
from parts that are still to go. A process that dies on the way leaves nothing that the same
call would not finish.

Files stay until they are collected: a reader that came in through a manifest reads on.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from clt_operator.api.base import Record
from clt_operator.api.step import Outcome, StepDocument
from clt_operator.store import layout
from clt_operator.store.artifacts import Artifacts
from clt_operator.store.protocol import ObjectInfo
from clt_operator.store.records import encode, read

THREADS = 16
HOLDER = "invalidation"


class Tombstone(Record):
    """Why an artifact was invalidated. Its number is that of the attempt that had made it."""

    key: str
    attempt: int
    kind: str
    reason: str
    at: str  # RFC 3339, UTC
    cause: str = ""  # the key that was named; empty: this one


@dataclass(frozen=True)
class Affected:
    """What an invalidation concerns, inputs before what reads them.

    ``committed`` lose their manifest; ``tried`` have attempts and no manifest: they may have
    failed because of what is invalidated.
    """

    committed: tuple[StepDocument, ...]
    tried: tuple[StepDocument, ...]
    levels: tuple[tuple[StepDocument, ...], ...]  # all of them; none reads another of its level


def affected(artifacts: Artifacts, keys: Iterable[str]) -> Affected:
    """The keys and all that depends on them, as far as this store has tried it."""
    there = artifacts.committed()
    known = sorted(there | artifacts.attempt_numbers().keys())
    with ThreadPoolExecutor(THREADS) as pool:
        read_all = pool.map(
            lambda key: read(artifacts.store, layout.document(key), StepDocument), known
        )
        documents = {document.key: document for document in read_all if document}
    levels = _levels(set(keys), documents)
    order = [document for level in levels for document in level]
    return Affected(
        committed=tuple(d for d in order if d.key in there),
        tried=tuple(d for d in order if d.key not in there),
        levels=levels,
    )


def invalidate(artifacts: Artifacts, keys: Sequence[str], reason: str, now: str) -> Affected:
    """Takes the keys and what depends on them out of use; what it did. ``now``: RFC 3339, UTC."""
    first = found = affected(artifacts, keys)
    done: set[str] = set()
    while fresh := [d for level in found.levels for d in level if d.key not in done]:
        for level in found.levels:
            with ThreadPoolExecutor(THREADS) as pool:
                stones = [
                    Tombstone(
                        key=document.key,
                        attempt=0,
                        kind=document.kind,
                        reason=reason,
                        at=now,
                        cause="" if document.key in keys else keys[0],
                    )
                    for document in level
                    if document.key not in done
                ]
                list(pool.map(lambda stone: _bury(artifacts, stone), stones))
        done.update(document.key for document in fresh)
        found = affected(artifacts, keys)  # steps that were tried for the first time meanwhile
    return first


def tombstones(artifacts: Artifacts, key: str) -> list[Tombstone]:
    """Why artifacts of a step were invalidated, the oldest first."""
    names = (info.name for info in artifacts.store.list(layout.tombstones(key)))
    return [stone for name in names if (stone := read(artifacts.store, name, Tombstone))]


def _bury(artifacts: Artifacts, stone: Tombstone) -> None:
    """``stone`` lacks the attempt yet."""
    key = stone.key
    if any(state.outcome is None for state in artifacts.attempts(key)):
        claim = artifacts.claim(key, HOLDER, stone.at)
        artifacts.record_outcome(
            Outcome(
                key=key,
                attempt=claim.attempt,
                outcome="lost-race",
                message=f"invalidated: {stone.reason}",
                recorded_by="driver",
                ended_at=stone.at,
            )
        )
    manifest = artifacts.manifest(key)
    if manifest is not None:
        attempt = manifest.attempt
        whole = stone.model_copy(update={"attempt": attempt})
        artifacts.store.create(layout.tombstone(key, attempt), encode(whole))
    resumable = [i.name for i in artifacts.store.list(f"{layout.ATTEMPTS}{key}/") if _resume(i)]
    artifacts.store.delete(name for name in resumable if name.endswith(f"/{layout.COMPLETE}"))
    artifacts.store.delete(resumable)
    if manifest is not None:
        artifacts.store.delete([layout.committed(key)])


def _resume(info: ObjectInfo) -> bool:
    return info.name.split("/")[3] == "resume"


def _levels(
    named: set[str], documents: dict[str, StepDocument]
) -> tuple[tuple[StepDocument, ...], ...]:
    """The named steps and all that reads them, directly or not, each behind what it reads."""
    readers: dict[str, set[str]] = {}
    for document in documents.values():
        for item in document.inputs:
            readers.setdefault(item.key, set()).add(document.key)
    found = named & documents.keys()
    stack = list(found)
    while stack:
        fresh = readers.get(stack.pop(), set()) - found
        found |= fresh
        stack += fresh
    waits = {key: {i.key for i in documents[key].inputs} & found for key in found}
    levels = []
    while waits:  # keys hash their inputs: there is no cycle
        free = sorted(key for key, left in waits.items() if not left)
        levels.append(tuple(documents[key] for key in free))
        for key in free:
            del waits[key]
        for left in waits.values():
            left.difference_update(free)
    return tuple(levels)
