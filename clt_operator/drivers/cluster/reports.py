"""Reports of complete experiments, read once each and kept while their experiment is there.

They are read on threads of their own: a store that is slow or away holds up no reconcile, and
what was read before stays as it is. Small: the summary of a report, bounded, and the text that
Prometheus is given, made again only when a report came or went.
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

from clt_operator.api.errors import CltError
from clt_operator.api.profiles import Profiles, Settings
from clt_operator.api.report_summary import FILE, ReportSummary
from clt_operator.drivers.cluster.exposing import Place, place_of
from clt_operator.drivers.cluster.families import text_of
from clt_operator.drivers.cluster.installation import Stores
from clt_operator.drivers.cluster.reported import bounded, families

log = logging.getLogger(__name__)

THREADS = 4
MOST_CELLS = 20_000  # scores of languages, of all reports together; the newest reports first
MOST_BYTES = 8 << 20  # of a summary
PAUSE = 15.0  # seconds before a report that could not be read is tried again; then doubled
LONGEST_PAUSE = 600.0

Object = Mapping[str, Any]


class Unreadable(CltError):
    """A report that is not what this release can show."""


@dataclass
class _Report:
    key: str
    completed: str  # when, RFC 3339
    summary: ReportSummary | None = None
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
                if held.summary is None and not held.reading and held.due <= self.clock():
                    held.reading = True
                    store = str(status.get("store") or "")
                    self._pool.submit(self._read, place, held, store, profiles)

    def forget(self, place: Place) -> None:
        with self._lock:
            self._forget(place)

    def _forget(self, place: Place) -> None:
        held = self._held.pop(place, None)
        if held is not None and held.summary is not None:
            self._text = None

    def text(self) -> bytes:
        """Every series of the reports that were read."""
        with self._lock:
            if self._text is None:
                self._text = text_of(families(self._shown()))
            return self._text

    def _shown(self) -> list[tuple[Place, ReportSummary]]:
        newest = sorted(self._held.items(), key=lambda item: (item[1].completed, item[0]))
        room, shown = MOST_CELLS, []
        for place, held in reversed(newest):
            if held.summary is not None and len(held.summary.scores) <= room:
                room -= len(held.summary.scores)
                shown.append((place, held.summary))
        return sorted(shown)

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
                held.summary = summary
                self._text = None
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
