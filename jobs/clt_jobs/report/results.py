"""All rows of a report, computed once and shared by tables, page and summary."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from clt_jobs.report.accounts import Accounts
from clt_jobs.report.contrasts import NOT_DECLARED, contrast_rows
from clt_jobs.report.curves import Curve, Place
from clt_jobs.report.dropped import dropped_rows
from clt_jobs.report.points import cell_rows, point_rows
from clt_jobs.report.quantities import Grids, PointQuantities
from clt_jobs.report.rows import CellRow, ContrastRow, DroppedRow, PlaceRow, PointRow, QuantityRow
from clt_jobs.report.tables import write_table
from clt_jobs.report.whole import whole_rows
from clt_operator.api.kinds.report import ReportParams

Row = TypeVar("Row", bound=PlaceRow)


@dataclass(frozen=True, eq=False)
class CurveRows:
    """What the tables say about one curve."""

    points: tuple[PointRow, ...]
    quantities: tuple[QuantityRow, ...]
    contrasts: tuple[ContrastRow, ...]

    def point(self, control: str, k: int, language: str) -> PointRow | None:
        wanted = (control, k, language)
        return next((p for p in self.points if (p.control, p.k, p.language) == wanted), None)

    def series(self, quantity: str, control: str = "") -> list[QuantityRow]:
        """A quantity over the points of one control, in the order of k."""
        return [q for q in self.quantities if (q.quantity, q.control) == (quantity, control)]

    def whole(self, quantity: str) -> QuantityRow | None:
        return next((q for q in self.quantities if q.quantity == quantity and q.k is None), None)


@dataclass(frozen=True, eq=False)
class Results:
    params: ReportParams
    curves: tuple[Curve, ...]
    accounts: Accounts
    cells: tuple[CellRow, ...]
    points: tuple[PointRow, ...]
    quantities: tuple[QuantityRow, ...]
    contrasts: tuple[ContrastRow, ...]
    dropped: tuple[DroppedRow, ...]

    @property
    def headline(self) -> list[ContrastRow]:
        """The rows that answer the study's question: primary, else declared, else the largest
        k against the baseline, on primary metrics."""
        for chosen in (
            [row for row in self.contrasts if row.primary],
            [row for row in self.contrasts if row.declared],
        ):
            if chosen:
                return chosen
        return [
            row
            for row in self.contrasts
            if row.primary_metric and row.family.startswith(NOT_DECLARED)
        ]

    @property
    def also_declared(self) -> list[ContrastRow]:
        """Declared contrasts that are not in the headline."""
        shown = set(map(id, self.headline))
        return [row for row in self.contrasts if row.declared and id(row) not in shown]

    @cached_property
    def _by_place(self) -> dict[Place, CurveRows]:
        points, quantities = _grouped(self.points), _grouped(self.quantities)
        contrasts = _grouped(self.contrasts)
        return {
            curve.place: CurveRows(
                tuple(points.get(curve.place, ())),
                tuple(quantities.get(curve.place, ())),
                tuple(contrasts.get(curve.place, ())),
            )
            for curve in self.curves
        }

    def of(self, curve: Curve) -> CurveRows:
        return self._by_place[curve.place]


def _grouped(rows: Sequence[Row]) -> dict[Place, list[Row]]:
    groups: dict[Place, list[Row]] = {}
    for row in rows:
        place = Place(
            row.sweep, row.model, row.mix, row.trained, row.coordinates, row.task, row.metric
        )
        groups.setdefault(place, []).append(row)
    return groups


def compute(
    params: ReportParams,
    curves: Sequence[Curve],
    accounts: Accounts,
    progress: Callable[[int, int], None],
) -> Results:
    """Every table's rows, curve by curve, then what spans curves."""
    cells: list[CellRow] = []
    points: list[PointRow] = []
    quantities: list[QuantityRow] = []
    for done, curve in enumerate(curves):
        progress(done, len(curves))
        grids = Grids(curve, params.baseline_k)
        cells += cell_rows(curve)
        points += point_rows(curve, params.confidence)
        quantities += PointQuantities(grids, params.confidence).rows()
        quantities += whole_rows(grids, params.plateau_margin, params.confidence)
    return Results(
        params=params,
        curves=tuple(curves),
        accounts=accounts,
        cells=tuple(cells),
        points=tuple(points),
        quantities=tuple(quantities),
        contrasts=tuple(
            contrast_rows(curves, params.contrasts, params.baseline_k, params.confidence)
        ),
        dropped=tuple(dropped_rows(curves, accounts)),
    )


def write_tables(results: Results, directory: Path) -> None:
    """The five Parquet files of the ``tables`` output."""
    write_table(CellRow, results.cells, directory / "cells.parquet")
    write_table(PointRow, results.points, directory / "points.parquet")
    write_table(QuantityRow, results.quantities, directory / "quantities.parquet")
    write_table(ContrastRow, results.contrasts, directory / "contrasts.parquet")
    write_table(DroppedRow, results.dropped, directory / "dropped.parquet")
