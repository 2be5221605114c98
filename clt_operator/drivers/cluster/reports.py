"""Reports of complete experiments, read once each and kept while their experiment is there.

They are read on threads of their own: a store that is slow or away holds up no reconcile, and
what was read before stays as it is. Small: the summaries for which there is room, and the text
that Prometheus is given, made again only when a report came or went. Of what does not show, it is
told how much.
"""

import logging
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from clt_operator.api import telemetry
from clt_operator.api.errors import CltError
from clt_operator.api.profiles import Profiles, Settings
from clt_operator.api.report_summary import FILE, MOST_BYTES, ReportSummary
from clt_operator.drivers.cluster.exposing import Place, place_of
from clt_operator.drivers.cluster.families import Family, text_of
from clt_operator.drivers.cluster.installation import Stores
from clt_operator.drivers.cluster.metrics import MOST_EXPERIMENTS
from clt_operator.drivers.cluster.reported import bounded, families

log = logging.getLogger(__name__)

THREADS = 4
MOST_CELLS = 20_000  # scores of languages, of all reports together; the newest reports first
PAUSE = 15.0  # seconds before a report that could not be read is tried again; then doubled
LONGEST_PAUSE = 600.0

Object = Mapping[str, Any]


class Unreadable(CltError):
    """A report that is not what this release can show."""


@dataclass
class _Report:
    key: str
    completed: str  # when, RFC 3339
    summary: ReportSummary | None = None  # none, too, where there is no room for it
    cells: int = 0  # scores of languages, as far as it was read
    left_out: int | None = None  # entries that do not show; none where it was never read
    room: bool = True
    reading: bool = False
    failures: int = 0
    due: float = 0.0  # monotonic


@dataclass
class Reports:
    """``follow`` is told now and then which experiments there are; ``text`` is for Prometheus."""

    stores: Stores
    redact: Callable[[str], str] = str
    clock: Callable[[], float] = time.monotonic
    _held: dict[Place, _Report] = field(default_factory=dict)
    _text: bytes | None = None

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="report")

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def follow(self, items: Iterable[Object], profiles: Profiles) -> None:
        """Forgets reports whose experiment went or is not complete any more; begins to read what
        is new."""
        wanted = {place_of(item): item for item in items if _report_of(item)}
        with self._lock:
            for place in [place for place in self._held if place not in wanted]:
                self._forget(place)
            for place, item in wanted.items():
                status, held = item["status"], self._held.get(place)
                if held is None or held.key != status["report"]:
                    self._forget(place)
                    held = _Report(status["report"], str(status.get("completionTime") or ""))
                    self._held[place] = held
            self._make_room()
            for place, held in self._held.items():
                waits = held.summary is None and held.room and not held.reading
                if waits and held.due <= self.clock():
                    held.reading = True
                    store = str(wanted[place]["status"].get("store") or "")
                    self._pool.submit(self._read, place, held, store, profiles)

    def forget(self, place: Place) -> None:
        with self._lock:
            self._forget(place)

    def _forget(self, place: Place) -> None:
        held = self._held.pop(place, None)
        if held is not None and held.left_out is not None:
            self._text = None

    def text(self) -> bytes:
        """Every series of the reports that were read."""
        with self._lock:
            if self._text is None:
                self._text = text_of((*families(self._shown()), self._left_out()))
            return self._text

    @property
    def not_shown(self) -> int:
        """Reports for which there is no room, or that could not be read."""
        with self._lock:
            return sum(
                held.summary is None and (held.failures > 0 or not held.room)
                for held in self._held.values()
            )

    def _shown(self) -> list[tuple[Place, ReportSummary]]:
        return sorted((p, held.summary) for p, held in self._held.items() if held.summary)

    def _left_out(self) -> Family:
        """Of as many reports as there may be experiments with series of their own."""
        family = Family(telemetry.REPORT_LEFT_OUT)
        read = [(p, held.left_out) for p, held in self._newest() if held.left_out is not None]
        for place, count in sorted(read[:MOST_EXPERIMENTS]):
            family.add(place, count)
        return family

    def _newest(self) -> list[tuple[Place, _Report]]:
        return sorted(self._held.items(), key=lambda i: (i[1].completed, i[0]), reverse=True)

    def _make_room(self) -> None:
        """The newest reports have it. What has none is not kept: it is read again once it has."""
        cells, reports = MOST_CELLS, MOST_EXPERIMENTS
        for _, held in self._newest():
            held.room = held.cells <= cells and reports > 0
            if held.room:
                cells, reports = cells - held.cells, reports - 1
            elif held.summary is not None:
                entries = len(held.summary.scores) + len(held.summary.quantities)
                held.left_out = held.summary.left_out + entries
                held.summary = self._text = None

    def _read(self, place: Place, held: _Report, store: str, profiles: Profiles) -> None:
        try:
            summary = self._summary(place[0], held.key, store, profiles)
        except Exception as error:
            held.failures += 1
            pause = min(LONGEST_PAUSE, PAUSE * 2 ** (held.failures - 1))
            held.due = self.clock() + pause
            said = self.redact(str(error) or type(error).__name__)
            log.warning("%s/%s: its report is not shown: %s", *place, said)
        else:
            with self._lock:
                held.summary, held.failures = summary, 0
                held.cells, held.left_out = len(summary.scores), summary.left_out
                self._text = None
                self._make_room()
        finally:
            held.reading = False

    def _summary(self, namespace: str, key: str, store: str, profiles: Profiles) -> ReportSummary:
        profile = profiles.stores.get(store)
        if profile is None or not profile.open_to(namespace):
            raise Unreadable(f"namespace {namespace} may not use store {store!r} any more")
        settings = Settings("", namespace, profile.within(namespace), store_name=store)
        artifacts = self.stores.open(settings)
        manifest = artifacts.manifest(key)
        size = sum(file.size for file in manifest.outputs.get("summary", ())) if manifest else 0
        if size > MOST_BYTES:
            raise Unreadable(f"the summary of {key[:16]} has {size} bytes")
        with tempfile.TemporaryDirectory(prefix="clt-report-") as scratch:
            folder = artifacts.open_output(key, "summary", Path(scratch) / "summary")
            text = (folder / FILE).read_bytes()
        try:
            summary = ReportSummary.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise Unreadable(f"{FILE} of {key[:16]}: {where}: {first['msg']}") from None
        return bounded(summary, profiles.limits.runs_exposed)


def _report_of(item: Object) -> str:
    """The key of the report that is shown; empty where there is none."""
    status = item.get("status") or {}
    complete = status.get("phase") == "Complete" and not item["metadata"].get("deletionTimestamp")
    return str(status.get("report") or "") if complete else ""
