"""Rows asked for against rows there are, as far as the lock knows them."""

from clt_operator.api.errors import Problem
from clt_operator.api.lock import Lock, data_request
from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.plan.sweeps import expand


def check_counts(spec: ExperimentSpec, lock: Lock) -> list[Problem]:
    """A sweep that wants more rows of a language than its source has, unless it may repeat.

    Only the largest demand of each (sweep, task, language) is reported.
    """
    worst: dict[tuple[str, str, str], tuple[int, int]] = {}
    for point in expand(spec):
        train = point.setting.spec.train
        if point.setting.sweep.unit != "samples" or train.max_repeats > 1:
            continue
        for name, language, count in point.quotas:
            data = point.setting.tasks[name].train
            held = lock.sources.get(data_request(data)) if data else None
            entry = held.languages.get(language) if held else None
            if entry is None or entry.rows is None:
                continue
            asked = count + train.validation_items
            place = (point.sweep, name, language)
            if asked > entry.rows and asked > worst.get(place, (0, 0))[0]:
                worst[place] = (asked, entry.rows)
    names = [sweep.name for sweep in spec.sweeps]
    return [
        Problem(
            f"spec.sweeps[{names.index(sweep)}]",
            f"task {task!r} needs {asked} rows of {language!r} (validation included), "
            f"its source has {rows}",
            "lower the counts, or let rows repeat with train.maxRepeats",
        )
        for (sweep, task, language), (asked, rows) in worst.items()
    ]
