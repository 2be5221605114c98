"""The seam: what a step may say of its work, by the series of ``clt_operator.api.telemetry``."""

from typing import Protocol

from clt_operator.api.telemetry import Series


class Telemetry(Protocol):
    """Cheap enough for every optimiser step. Label values stand in the series' own order."""

    def add(self, series: Series, amount: float, *labels: str) -> None:
        """Counts. Adding 0 shows a counter before it counts."""
        ...

    def set(self, series: Series, value: float, *labels: str) -> None:
        """Sets a gauge; it is gone with the step."""
        ...

    def observe(self, series: Series, value: float, *labels: str) -> None:
        """Adds to a histogram."""
        ...


class Silent:
    """Nobody listens: in tests, and on ranks that are not the first."""

    def add(self, series: Series, amount: float, *labels: str) -> None: ...

    def set(self, series: Series, value: float, *labels: str) -> None: ...

    def observe(self, series: Series, value: float, *labels: str) -> None: ...


SILENT = Silent()
