"""Collection: what no experiment's root wants goes, after a grace period. Mark and sweep.

Nothing here stops anybody: experiments are applied and steps commit while a collection runs.
That is safe because of the order in which things go.

1. **Roots are read after the listing, and again before each batch goes.** Whoever applies
   writes the root first and looks at the store afterwards. So either the collection sees the
   root and keeps what it names, or the apply began later and soon sees that the artifact is
   gone; it is then computed again. The worst that a race can cost is a recomputation.
2. **The manifest goes first, the files a grace period later.** A mark that says which manifests
   are about to go is written before. Readers enter through the manifest alone, so nobody enters
   any more, and whoever did enter has the grace period to read on. There is never a manifest
   whose files are gone. A step that finds its input without a manifest is retried as a fault
   that may pass, and the driver looks for removed artifacts then.
3. **Files of attempts that committed nothing go when the attempt has ended and nothing of it
   was written for the grace period.** An open attempt stays. One whose claim and heartbeat are
   older than the grace period, of a key that nobody wants, is overtaken by a claim of the
   collection's own: should its process wake up, it finds itself superseded and commits nothing.
   Its files go a grace period later.
4. **Claims go last.** A claim takes the number after the highest; as long as files of a number
   may lie about, the number is not given out a second time.

A collection that is killed leaves nothing that a later one would not finish. With a grace
period of zero all of it happens at once, which is right only where nothing uses the store.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Literal

from clt_operator.api.errors import StoreError
from clt_operator.api.step import Outcome
from clt_operator.store import layout
from clt_operator.store.artifacts import Artifacts
from clt_operator.store.inventory import Held, Inventory, inventory
from clt_operator.store.marks import write_mark
from clt_operator.store.roots import Roots, pushed_inputs

GRACE = 7 * 86400.0  # seconds
BATCH = 500  # names between two looks at the roots
THREADS = 16
HOLDER = "collection"

What = Literal["artifact", "step", "attempt", "resume state", "input", "experiment", "probe"]
When = Literal["now", "later", "young"]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that nobody needs.

    ``artifact``: committed, in no root; ``step``: everything of a key that is not committed and
    in no root; ``attempt``: files that a wanted step's attempt left without committing them;
    ``resume state``: of a wanted step that does not need it any more. ``when``: gone with this
    collection; its manifest now and its files ``later``; too ``young``.
    """

    what: What
    name: str  # key, digest, namespace/name
    when: When
    size: int  # bytes
    attempt: int = 0  # 0: all
    kind: str = ""


@dataclass(frozen=True)
class Survey:
    """What a collection would do. ``kept`` bytes are wanted by experiments."""

    items: tuple[Item, ...]
    kept: int
    experiments: int

    def size(self, *when: When) -> int:
        return sum(item.size for item in self.items if item.when in when)


@dataclass
class Swept:
    """What a collection did: manifests taken, and objects with their bytes gone."""

    artifacts: int = 0
    objects: int = 0
    bytes: int = 0


def survey(artifacts: Artifacts, now: float, grace: float = GRACE) -> Survey:
    """Looks only. ``now``: seconds since the epoch by the store's clock.

    Raises StoreError where a root is damaged: what it wants is then not known.
    """
    return _Collection(artifacts, now, grace).survey()


def collect(
    artifacts: Artifacts,
    clock: Callable[[], float],
    grace: float = GRACE,
    tell: Callable[[Swept], None] = lambda _: None,
) -> Swept:
    """Takes what ``survey`` shows. ``clock`` is the store's; ``tell`` hears of progress."""
    swept = Swept()
    rounds = 2 if grace <= 0 else 1  # without grace, what is uncommitted first goes right after
    for _ in range(rounds):
        run = _Collection(artifacts, clock(), grace)
        run.sweep(run.survey(), swept, tell)
    return swept


@dataclass
class _Collection:
    artifacts: Artifacts
    now: float
    grace: float
    found: Inventory = field(init=False)
    roots: Roots = field(init=False)

    def __post_init__(self) -> None:
        self.found = inventory(self.artifacts.store)
        self.roots = Roots(self.artifacts)  # after the listing: see above

    def old(self, written: float) -> bool:
        return self.now - written >= self.grace

    # look

    def survey(self) -> Survey:
        items: list[Item] = []
        kept = 0
        wanted = {key for key in self.found.keys if self.roots.wants(key)}
        manifests = self._manifests(wanted)
        for key, held in self.found.keys.items():
            if key in wanted:
                mine = list(self._superfluous(key, held, manifests.get(key, 0)))
                kept += held.size - sum(item.size for item in mine)
                items += mine
            else:
                items.append(self._unwanted(key, held))
        inputs = pushed_inputs(self.artifacts, self.roots.experiments) if self.found.inputs else ()
        for digest, pushed in self.found.inputs.items():
            if digest in inputs:
                kept += pushed.files
            else:
                items.append(Item("input", digest, self._when(pushed.newest), pushed.files))
        for place, files in self.found.experiments.items():
            size = sum(info.size for info in files)
            if place in self.roots.experiments:
                kept += size
            else:
                age = max(info.modified for info in files)
                items.append(Item("experiment", "/".join(place), self._when(age), size))
        for info in self.found.probes:
            if self.old(info.modified):
                items.append(Item("probe", info.name, "now", info.size))
        kinds = self._kinds(item.name for item in items if item.what in _OF_STEPS)
        named = (_with_kind(item, kinds) for item in items)
        return Survey(tuple(named), kept, len(self.roots.experiments))

    def _when(self, newest: float) -> When:
        return "now" if self.old(newest) else "young"

    def _unwanted(self, key: str, held: Held) -> Item:
        if held.committed is not None:
            late: When = "later" if self.grace > 0 else "now"
            return Item("artifact", key, late if self.old(held.committed) else "young", held.size)
        when = self._when(held.newest)
        if when == "now" and self.grace > 0 and any(t.open for t in held.tried.values()):
            when = "later"
        return Item("step", key, when, held.size)

    def _superfluous(self, key: str, held: Held, committed: int) -> Iterator[Item]:
        """What a wanted step does not need. ``committed``: the attempt of its manifest."""
        resumable = [n for n, tried in held.tried.items() if tried.resumable]
        for number, tried in held.tried.items():
            if held.committed is not None and not committed:
                return  # its manifest cannot be read: leave everything
            ended = held.committed is not None or tried.ended
            if tried.files and number != committed and ended:
                yield Item("attempt", key, self._when(tried.newest), tried.files, number)
            newer = any(other > number for other in resumable)
            if tried.resume and (held.committed is not None or (newer and tried.ended)):
                yield Item("resume state", key, self._when(tried.newest), tried.resume, number)

    def _manifests(self, wanted: Iterable[str]) -> dict[str, int]:
        """The committed attempt of keys, read only where something may be superfluous."""
        keys = [
            key
            for key in wanted
            if (held := self.found.keys[key]).committed is not None
            and (sum(bool(t.files) for t in held.tried.values()) > 1 or _has_resume(held))
        ]
        with ThreadPoolExecutor(THREADS) as pool:
            return dict(zip(keys, pool.map(self._attempt_of, keys), strict=True))

    def _attempt_of(self, key: str) -> int:
        try:
            manifest = self.artifacts.manifest(key)
        except StoreError:  # damaged
            return 0
        return manifest.attempt if manifest else 0

    def _kinds(self, keys: Iterable[str]) -> dict[str, str]:
        known = [key for key in dict.fromkeys(keys) if self.found.keys[key].document]
        with ThreadPoolExecutor(THREADS) as pool:
            return dict(zip(known, pool.map(self._kind_of, known), strict=True))

    def _kind_of(self, key: str) -> str:
        try:
            return self.artifacts.document(key).kind
        except StoreError:
            return ""

    # take

    def sweep(self, found: Survey, swept: Swept, tell: Callable[[Swept], None]) -> None:
        due = [item for item in found.items if item.when != "young"]
        self._take_manifests([i for i in due if i.what == "artifact"], swept, tell)
        for at in range(0, len(due), BATCH):
            self.roots.refresh()
            wanted = self._wanted_inputs(due)
            with ThreadPoolExecutor(THREADS) as pool:
                for objects, size in pool.map(partial(self._take, wanted), due[at : at + BATCH]):
                    swept.objects += objects
                    swept.bytes += size
            tell(swept)
        self.artifacts.store.delete(m.name for m in self.found.marks if self.old(m.modified))

    def _take_manifests(
        self, items: Sequence[Item], swept: Swept, tell: Callable[[Swept], None]
    ) -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            attempts = pool.map(self._attempt_of, (item.name for item in items))
            taken = {item.name: n for item, n in zip(items, attempts, strict=True)}
        if taken:
            write_mark(self.artifacts.store, taken, self.now)
        keys = list(taken)
        for at in range(0, len(keys), BATCH):
            self.roots.refresh()
            batch = [key for key in keys[at : at + BATCH] if not self.roots.wants(key)]
            self.artifacts.store.delete(layout.committed(key) for key in batch)
            swept.artifacts += len(batch)
            tell(swept)

    def _take(self, inputs: Container[str], item: Item) -> tuple[int, int]:
        """Objects and bytes that went; none where somebody came to need them."""
        if item.what == "step":
            return self._take_step(item.name) if self._still_garbage(item.name) else (0, 0)
        if item.what == "attempt":
            committed = self._attempt_of(item.name) == item.attempt  # since the listing
            return (0, 0) if committed else self._below(layout.files(item.name, item.attempt))
        if item.what == "resume state":
            return self._below(layout.resume(item.name, item.attempt))
        if item.what == "input":
            free = item.name not in inputs
            return self._below(f"{layout.INPUTS}{item.name}/") if free else (0, 0)
        if item.what == "experiment":
            namespace, _, name = item.name.partition("/")
            free = (namespace, name) not in self.roots.experiments
            return self._below(layout.experiment(namespace, name)) if free else (0, 0)
        return self._below(item.name) if item.what == "probe" else (0, 0)

    def _still_garbage(self, key: str) -> bool:
        """Not wanted, not committed and not begun anew since the listing."""
        store, known = self.artifacts.store, self.found.keys[key].tried
        claims = (layout.numbered(info.name) for info in store.list(layout.claims(key)))
        return (
            not self.roots.wants(key)
            and not any(store.list(layout.committed(key)))
            and all(pair[1] in known for pair in claims if pair)
        )

    def _take_step(self, key: str) -> tuple[int, int]:
        if any(tried.open for tried in self.found.keys[key].tried.values()):
            self._overtake(key)
            if self.grace > 0:
                return 0, 0
        in_order = (
            f"{layout.ATTEMPTS}{key}/",
            layout.outcomes(key),
            layout.tombstones(key),
            layout.document(key),
            layout.claims(key),
        )
        gone = [self._below(prefix) for prefix in in_order]
        return sum(objects for objects, _ in gone), sum(size for _, size in gone)

    def _overtake(self, key: str) -> None:
        """Ends the open attempts of a key, by a claim above them."""
        now = datetime.fromtimestamp(self.now, UTC).isoformat(timespec="seconds")
        claim = self.artifacts.claim(key, HOLDER, now.replace("+00:00", "Z"))
        still = (n for n, tried in self.found.keys[key].tried.items() if tried.open)
        for number in (claim.attempt, *still):
            self.artifacts.record_outcome(
                Outcome(
                    key=key,
                    attempt=number,
                    outcome="lost-race",
                    message="collected: no experiment wants this step",
                    recorded_by="driver",
                )
            )

    def _wanted_inputs(self, items: Iterable[Item]) -> set[str]:
        if any(item.what == "input" for item in items):
            return pushed_inputs(self.artifacts, self.roots.experiments)
        return set()

    def _below(self, prefix: str) -> tuple[int, int]:
        """Deletes the objects below a prefix, in name order."""
        found = list(self.artifacts.store.list(prefix))
        self.artifacts.store.delete(info.name for info in found)
        return len(found), sum(info.size for info in found)


_OF_STEPS = ("artifact", "step", "attempt", "resume state")


def _has_resume(held: Held) -> bool:
    return any(tried.resume for tried in held.tried.values())


def _with_kind(item: Item, kinds: dict[str, str]) -> Item:
    kind = kinds.get(item.name, "")
    return Item(item.what, item.name, item.when, item.size, item.attempt, kind) if kind else item
