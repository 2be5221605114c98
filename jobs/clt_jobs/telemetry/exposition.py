"""The series of one runner, served to Prometheus where ``CLT_METRICS_PORT`` says so.

A series appears with its first value: an unlabelled gauge that nobody set would read 0, which
for a loss is a lie. A server that cannot start is a warning, never a failed step.
"""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from clt_operator.api.telemetry import Series

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

log = logging.getLogger("clt.telemetry")

PORT = "CLT_METRICS_PORT"


class Exposition:
    """Series in a registry of their own, made as they are needed. Safe between threads."""

    def __init__(self, registry: "CollectorRegistry") -> None:
        self.registry = registry
        self._made: dict[str, Any] = {}
        self._children: dict[tuple[str, tuple[str, ...]], Any] = {}
        self._gauges: set[str] = set()
        self._lock = threading.Lock()

    def child(self, series: Series, labels: tuple[str, ...]) -> Any:
        """What counts for a series and label values."""
        found = self._children.get((series.name, labels))
        return self._make(series, labels) if found is None else found

    def clear_gauges(self) -> None:
        """Forgets what was set, not what was counted."""
        with self._lock:
            for name in self._gauges:
                self.registry.unregister(self._made.pop(name))
            self._children = {k: v for k, v in self._children.items() if k[0] not in self._gauges}
            self._gauges = set()

    def _make(self, series: Series, labels: tuple[str, ...]) -> Any:
        with self._lock:
            if series.name not in self._made:
                self._made[series.name] = series.make(self.registry)
            if series.type == "gauge":
                self._gauges.add(series.name)
            parent = self._made[series.name]
            child = parent.labels(*labels) if series.labels else parent
            return self._children.setdefault((series.name, labels), child)


@contextmanager
def exposed(environment: Mapping[str, str]) -> Iterator[Exposition | None]:
    """A served exposition; None where none is asked for, or the port cannot be had."""
    text = environment.get(PORT, "")
    if not text:
        yield None
        return
    from clt_jobs.telemetry.server import serve

    exposition = Exposition(_registry())
    try:
        server, thread = serve(int(text), exposition.registry)
    except (OSError, OverflowError, ValueError) as error:
        log.warning("no metrics: %s=%s: %s", PORT, text, error)
        yield None
        return
    try:
        yield exposition
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _registry() -> "CollectorRegistry":
    """With what every Python process shows of itself."""
    from prometheus_client import (
        CollectorRegistry,
        GCCollector,
        PlatformCollector,
        ProcessCollector,
    )

    from clt_jobs.telemetry.memory import Memory

    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    registry.register(Memory())
    return registry
