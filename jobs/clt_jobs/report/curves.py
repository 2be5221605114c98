"""A curve: one model, mix and metric on one task, over all sweep points, seeds and languages.

Everything in the report is said about curves. Arms are the sweep's points (control "" first,
by k), then the controls, then the untrained model. Seeds that share one training (an untrained
model) count once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from clt_jobs.report.collected import CellFacts, CellId, Collected, ItemIndex
from clt_jobs.report.scales import Scale, scale_of
from clt_jobs.statistics.arrays import Floats
from clt_jobs.statistics.panel import Panel, language_grid
from clt_jobs.statistics.refusal import Refused
from clt_jobs.statistics.variance import Grid
from clt_operator.api.kinds.report import EvaluatedTask, Point, ReportParams
from clt_operator.api.languages import is_known, language

UNTRAINED = "untrained"
PIVOT, SEEN, UNSEEN = "pivot", "seen", "unseen"


@dataclass(frozen=True, order=True)
class Place:
    """Where a number stands: the columns that all tables share."""

    sweep: str
    model: str
    mix: str
    trained: str  # the task trained on, or the joined names
    coordinates: str  # values of further axes
    task: str  # the task evaluated
    metric: str


@dataclass(frozen=True, order=True)
class Arm:
    """One point of the curve. ``control`` is "" on the sweep itself."""

    control: str
    k: int


@dataclass(frozen=True, eq=False)
class Curve:
    place: Place
    task: EvaluatedTask
    primary: bool  # the task's first metric
    languages: tuple[str, ...]
    roles: Mapping[str, str]  # language -> pivot | seen | unseen
    arms: tuple[Arm, ...]
    seeds: tuple[int, ...]
    trainings: Mapping[tuple[Arm, int], str]
    cells: Mapping[tuple[Arm, int, str], CellFacts]
    panel: Panel

    @property
    def scale(self) -> Scale:
        return scale_of(self.place.metric)

    @cached_property
    def main(self) -> tuple[int, ...]:
        """Indices of the sweep's own points, in the order of k."""
        return tuple(i for i, arm in enumerate(self.arms) if arm.control == "")

    @property
    def ks(self) -> tuple[int, ...]:
        return tuple(self.arms[i].k for i in self.main)

    def arm(self, control: str, k: int) -> int | None:
        """Index of an arm, or None."""
        wanted = Arm(control, k)
        return self.arms.index(wanted) if wanted in self.arms else None

    @property
    def controls(self) -> tuple[str, ...]:
        names = {arm.control for arm in self.arms} - {"", UNTRAINED}
        return tuple(sorted(names))

    @property
    def untrained(self) -> int | None:
        return self.arm(UNTRAINED, 0)

    def group(self, name: str) -> list[int]:
        """Language indices of pivot, seen, unseen, nonpivot, all, latin, nonlatin, or a code."""
        if name == "all":
            return list(range(len(self.languages)))
        if name in (PIVOT, SEEN, UNSEEN):
            return [i for i, code in enumerate(self.languages) if self.roles[code] == name]
        rest = [i for i, code in enumerate(self.languages) if self.roles[code] != PIVOT]
        if name == "nonpivot":
            return rest
        if name in ("latin", "nonlatin"):
            return [i for i in rest if _latin(self.languages[i]) == (name == "latin")]
        return [self.languages.index(name)] if name in self.languages else []

    @cached_property
    def _grids(self) -> dict[str, Grid]:
        return {}

    def grid(self, group: str) -> Grid:
        """The grid of a group's (or one language's) average; the same object every time."""
        if group not in self._grids:
            if not self.group(group):
                raise Refused(f"no language is in {group}")
            self._grids[group] = language_grid(self.panel, self.group(group))
        return self._grids[group]

    def at(self, index: int) -> Floats:
        """Weights that pick one arm."""
        weights = np.zeros(len(self.arms))
        weights[index] = 1.0
        return weights

    def against(self, index: int, reference: int) -> Floats:
        """Weights of the difference of two arms."""
        return np.asarray(self.at(index) - self.at(reference))


def _latin(code: str) -> bool:
    return is_known(code) and language(code).script == "Latn"


def build_curves(params: ReportParams, collected: Collected) -> list[Curve]:
    """All curves of a report, primary metrics first within a task, in a fixed order."""
    curves = []
    indexes: dict[str, ItemIndex] = {}
    for place, points in _groups(params):
        for order, task in enumerate(params.tasks):
            if not _evaluated(points, task.name, collected):
                continue
            if task.name not in indexes:
                indexes[task.name] = collected.index_items(
                    task.name, params.evaluate, task.items_shared
                )
            for rank, metric in enumerate(task.metrics):
                full = replace(place, task=task.name, metric=metric)
                built = _Builder(params, collected, points, indexes[task.name]).curve(full, task)
                curves.append(((place, order, rank), built))
    return [curve for _, curve in sorted(curves, key=lambda pair: pair[0])]


def _groups(params: ReportParams) -> Iterable[tuple[Place, list[Point]]]:
    """Points by (sweep, model, mix, trained task, coordinates); untrained ones join every mix."""
    groups: dict[Place, list[Point]] = {}
    untrained = [point for point in params.points if point.control == UNTRAINED]
    for point in params.points:
        if point.control != UNTRAINED:
            axes = shown(point.coordinates)
            place = Place(point.sweep, point.model, point.mix, point.task, axes, "", "")
            groups.setdefault(place, []).append(point)
    for place, points in groups.items():
        wanted = (place.sweep, place.model, place.trained)
        joined = [p for p in untrained if (p.sweep, p.model, p.task) == wanted]
        exact = [p for p in joined if shown(p.coordinates) == place.coordinates]
        yield place, points + (exact or joined)[:1]


def shown(coordinates: Mapping[str, str]) -> str:
    return ", ".join(f"{path}={value}" for path, value in sorted(coordinates.items()))


def _evaluated(points: Sequence[Point], task: str, collected: Collected) -> bool:
    """Whether the curve's own trainings have cells (scored or missing) on the task."""
    trainings = {p.training for p in points if p.control != UNTRAINED}
    return any(name == task and training in trainings for training, name, _, _ in collected.cells)


@dataclass(frozen=True)
class _Builder:
    """Puts the scores of one group of points on one task and metric into a panel."""

    params: ReportParams
    collected: Collected
    points: Sequence[Point]
    items: ItemIndex

    def curve(self, place: Place, task: EvaluatedTask) -> Curve:
        trainings = _trainings(self.points)
        arms = tuple(sorted({arm for arm, _ in trainings}, key=_arm_order))
        seeds = tuple(sorted({seed for _, seed in trainings}))
        seen = {code for point in self.points for code in point.languages}
        languages = _ordered(self.params, seen)
        cells = {
            (arm, seed, code): self._facts((training, task.name, code, place.metric))
            for (arm, seed), training in trainings.items()
            for code in languages
        }
        scores = np.full((len(arms), len(seeds), len(languages), self.items.size), np.nan)
        for (arm, seed, code), facts in cells.items():
            if not facts.missing:
                at = arms.index(arm), seeds.index(seed), languages.index(code)
                rows = self.collected.rows(facts)
                where = self.items.place[code][self.collected.items[rows]]
                scores[(*at, where)] = self.collected.scores[rows]
        order = [self.params.evaluate.index(code) for code in languages]
        return Curve(
            place=place,
            task=task,
            primary=place.metric == task.metrics[0],
            languages=languages,
            roles={code: _role(self.params, seen, code) for code in languages},
            arms=arms,
            seeds=seeds,
            trainings=trainings,
            cells=cells,
            panel=Panel(
                scores=scores,
                clusters=self.items.clusters[order],
                shared=task.items_shared,
                fixed=np.array([arm.control == UNTRAINED for arm in arms]),
                block=task.name,
            ),
        )

    def _facts(self, cell: CellId) -> CellFacts:
        found = self.collected.cells.get(cell)
        return found or CellFacts(-1, 0, float("nan"), 0, 0, 0, 0, "", None, "not collected")


def _trainings(points: Sequence[Point]) -> dict[tuple[Arm, int], str]:
    """The training of each (arm, seed); one training under several seeds counts once."""
    found: dict[tuple[Arm, int], str] = {}
    known: set[tuple[Arm, str]] = set()
    for point in sorted(points, key=lambda p: p.seed):
        arm = Arm(point.control, point.k)
        if (arm, point.training) not in known:
            known.add((arm, point.training))
            found[arm, point.seed] = point.training
    return found


def _arm_order(arm: Arm) -> tuple[int, str, int]:
    return (0 if arm.control == "" else 2 if arm.control == UNTRAINED else 1, arm.control, arm.k)


def _ordered(params: ReportParams, seen: set[str]) -> tuple[str, ...]:
    """Evaluated languages: the pivot, then seen, then unseen, each in the spec's order."""
    rank = {PIVOT: 0, SEEN: 1, UNSEEN: 2}
    return tuple(sorted(params.evaluate, key=lambda code: rank[_role(params, seen, code)]))


def _role(params: ReportParams, seen: set[str], code: str) -> str:
    return PIVOT if code == params.pivot else SEEN if code in seen else UNSEEN
