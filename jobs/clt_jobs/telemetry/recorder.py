"""The runner's telemetry: figures of each attempt in any case, series where they are exposed.

Figures go into the attempt's outcome and outlive the pod. What happens between two attempts (the
claim, the reading of a document) counts for the one that follows.
"""

import threading
from collections import defaultdict
from collections.abc import Mapping

from clt_jobs.telemetry.exposition import Exposition
from clt_operator.api import figures, telemetry
from clt_operator.api.figures import bounded, figure
from clt_operator.api.telemetry import Series
from clt_operator.store.observer import OPERATIONS, Request

# Counters that become figures, and whether by their (only) label.
_COUNTED: dict[Series, tuple[str, bool]] = {
    telemetry.TRAIN_TOKENS: (figures.TOKENS, True),
    telemetry.TRAIN_SUPERVISED: (figures.SUPERVISED_TOKENS, True),
    telemetry.TRAIN_SECONDS: (figures.SECONDS, True),
    telemetry.TRAIN_PADDING: (figures.PADDING_TOKENS, False),
    telemetry.STEP_RESUMES: (figures.RESUMED, False),
    telemetry.CHECKPOINT_BYTES: (figures.CHECKPOINT_BYTES, False),
    telemetry.STORE_BYTES: (figures.STORE_BYTES, True),
    telemetry.STORE_RETRIES: (figures.STORE_RETRIES, False),
    telemetry.ITEMS: (figures.ITEMS, False),
    telemetry.ITEM_TOKENS: (figures.ITEM_TOKENS, False),
    telemetry.TRUNCATED: (figures.ITEMS_TRUNCATED, False),
}
_NOT_FINITE = {"loss": figures.NOT_FINITE, "gradients": figures.SKIPPED_STEPS}


class Recorder:
    """Implements ``Telemetry`` for the attempts of one process, one after another."""

    def __init__(self, exposition: Exposition | None = None) -> None:
        self._exposition = exposition
        self._figures: defaultdict[str, float] = defaultdict(float)
        self._lock = threading.Lock()  # the heartbeat and transfers come from other threads
        self._show_store()

    def begin(self, about: Mapping[str, str], attempt: int) -> None:
        """A step begins: gauges are about it, and what its labels say, from now on."""
        if self._exposition:
            self._exposition.clear_gauges()
        labels = (about.get(name, "") for name in telemetry.RUN_INFO.labels)
        self.set(telemetry.RUN_INFO, 1, *labels)
        self.set(telemetry.STEP_ATTEMPT, attempt)
        self.set(telemetry.STEP_PROGRESS, 0)

    def take_figures(self) -> dict[str, float]:
        """The figures since the last call: those of one attempt."""
        with self._lock:
            taken, self._figures = self._figures, defaultdict(float)
        return bounded(taken)

    def add(self, series: Series, amount: float, *labels: str) -> None:
        self._count(_figure_of(series, labels), amount)
        if self._exposition:
            self._exposition.child(series, labels).inc(amount)

    def set(self, series: Series, value: float, *labels: str) -> None:
        if self._exposition:
            self._exposition.child(series, labels).set(value)

    def observe(self, series: Series, value: float, *labels: str) -> None:
        if series is telemetry.CHECKPOINT_SECONDS:
            self._count(figures.CHECKPOINTS, 1)
            self._count(figures.CHECKPOINT_SECONDS, value)
        if self._exposition:
            self._exposition.child(series, labels).observe(value)

    def request(self, request: Request) -> None:
        """A request of the store: an observer of it."""
        self._count(figures.STORE_REQUESTS, 1)
        self._count(figures.STORE_ERRORS, request.failed)
        result = "error" if request.failed else "ok"
        self.add(telemetry.STORE_REQUESTS, 1, request.operation, result)
        self.add(telemetry.STORE_RETRIES, request.retries, request.operation)
        self.add(telemetry.STORE_BYTES, request.read, "read")
        self.add(telemetry.STORE_BYTES, request.written, "written")
        self.observe(telemetry.STORE_SECONDS, request.seconds, request.operation)

    def _count(self, name: str, amount: float) -> None:
        if name and amount:
            with self._lock:
                self._figures[name] += amount

    def _show_store(self) -> None:
        """From zero on, so that a rate sees the first error, too."""
        self.add(telemetry.STEP_RESUMES, 0)
        for operation in OPERATIONS:
            self.add(telemetry.STORE_RETRIES, 0, operation)
            for result in ("ok", "error"):
                self.add(telemetry.STORE_REQUESTS, 0, operation, result)


def _figure_of(series: Series, labels: tuple[str, ...]) -> str:
    if series is telemetry.TRAIN_NOT_FINITE:
        return _NOT_FINITE.get(labels[0], "")
    name, by_label = _COUNTED.get(series, ("", False))
    return figure(name, labels[0]) if name and by_label else name
