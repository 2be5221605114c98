"""Which rows of a source a mixture may use: one permutation of items, cut at both ends.

The items of a source are permuted by ``subset_seed``. Training takes a prefix, so subsets nest
as quotas grow; validation takes the last items and is never trained on. How the languages of a
task relate is the alignment:

``parallel``     the same permutation in every language: languages that share item ids get the
                 same items. An item held out in one language is trained on in none.
``independent``  the permutation is salted by the language; each language holds out its own.
``disjoint``     the items of all non-pivot languages of a task, in the unsalted permutation, are
                 dealt one by one to these languages in code order, over and over; a language that
                 lacks an item passes it to the next. No item is in two non-pivot languages. The
                 pivot is not dealt to: it uses the unsalted permutation of all its items. An item
                 held out in one language is trained on in none.

An item with several rows in a table is chosen or held out with rows in table order; its rows
never stand on both sides.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clt_jobs.data.permutation import order
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.train import Component, Mixture

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pool:
    """Row indices into one component's table, both in permutation order."""

    train: Int64  # what a quota is a prefix of
    validation: Int64  # held out


def pools(mixture: Mixture, items: Mapping[str, Sequence[str]], pivot: str) -> list[Pool]:
    """The pool of every component, in the order of ``mixture.components``.

    ``items`` holds the item id of every row, by component input. Raises InputError where more
    items are to be held out than a source has.
    """
    ordered = [
        _ordered(mixture, component, items, pivot, owners)
        for owners in [_owners(mixture, items, pivot)]
        for component in mixture.components
    ]
    cuts = [
        _cut(component, [items[component.input][i] for i in rows])
        for component, rows in zip(mixture.components, ordered, strict=True)
    ]
    held = _held_out(mixture, items, ordered, cuts)
    made = []
    for component, rows, cut in zip(mixture.components, ordered, cuts, strict=True):
        names, banned = items[component.input], held[component.task]
        free = [i for i in rows[:cut].tolist() if names[i] not in banned] if banned else rows[:cut]
        made.append(Pool(np.asarray(free, dtype=np.int64), rows[cut:]))
    return made


def _ordered(
    mixture: Mixture,
    component: Component,
    items: Mapping[str, Sequence[str]],
    pivot: str,
    owners: Mapping[str, Mapping[str, str]],
) -> Int64:
    """The rows of one component in the order of their items."""
    names = items[component.input]
    salt = (component.language,) if mixture.alignment == "independent" else ()
    rows = order(names, mixture.subset_seed, *salt)
    if mixture.alignment != "disjoint" or component.language == pivot:
        return rows
    dealt = owners[component.task]
    return np.array([i for i in rows.tolist() if dealt[names[i]] == component.language], np.int64)


def _owners(
    mixture: Mixture, items: Mapping[str, Sequence[str]], pivot: str
) -> dict[str, dict[str, str]]:
    """Task -> item -> the one non-pivot language that may use it (disjoint only)."""
    if mixture.alignment != "disjoint":
        return {}
    had: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for component in mixture.components:
        if component.language != pivot:
            had[component.task][component.language].update(items[component.input])
    return {task: _deal(dict(languages), mixture.subset_seed) for task, languages in had.items()}


def _deal(had: Mapping[str, set[str]], seed: int) -> dict[str, str]:
    """Deals every item to one of the languages that have it, in turn."""
    languages = sorted(had)
    everything = sorted(set().union(*had.values()))
    owners = {}
    for turn, index in enumerate(order(everything, seed).tolist()):
        item = everything[index]
        for offset in range(len(languages)):
            language = languages[(turn + offset) % len(languages)]
            if item in had[language]:
                owners[item] = language
                break
    return owners


def _cut(component: Component, ordered_items: Sequence[str]) -> int:
    """Where the last ``validation`` distinct items begin."""
    wanted, cut = component.validation, len(ordered_items)
    while wanted and cut:
        item = ordered_items[cut - 1]
        while cut and ordered_items[cut - 1] == item:
            cut -= 1
        wanted -= 1
    if wanted:
        raise InputError(
            f"task {component.task}, language {component.language}: asked to hold out "
            f"{component.validation} items for validation, available are "
            f"{component.validation - wanted}"
        )
    return cut


def _held_out(
    mixture: Mixture,
    items: Mapping[str, Sequence[str]],
    ordered: Sequence[Int64],
    cuts: Sequence[int],
) -> defaultdict[str, set[str]]:
    """Task -> items that no language of it trains on; empty where languages are independent."""
    held: defaultdict[str, set[str]] = defaultdict(set)
    if mixture.alignment != "independent":
        for component, rows, cut in zip(mixture.components, ordered, cuts, strict=True):
            names = items[component.input]
            held[component.task].update(names[i] for i in rows[cut:].tolist())
    return held
