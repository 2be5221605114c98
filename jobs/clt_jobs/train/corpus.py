"""The rows that a training reads: one token table per component, addressed by sample.

A sample is (component, row). Lengths and prompt lengths of all tables lie behind each other in
one array, so that the figures of any samples are two index operations.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from clt_jobs.context import Context
from clt_jobs.data.mixture import ComponentRows, Realised, realise
from clt_jobs.data.tokens import TokenTable, read_tokens
from clt_operator.api.kinds.train import Component, TrainParams

Int64 = npt.NDArray[np.int64]
Int32 = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Rows:
    """Some samples and their figures: parallel arrays of one entry per row."""

    component: Int32
    row: Int64
    lengths: Int64  # tokens, prompt and response
    supervised: Int64  # tokens that are predicted and count in the loss

    def __len__(self) -> int:
        return len(self.row)

    def take(self, index: Int64) -> "Rows":
        return Rows(
            self.component[index],
            self.row[index],
            self.lengths[index],
            self.supervised[index],
        )


@dataclass(frozen=True)
class Corpus:
    """The tables of a mixture's components, in the mixture's order."""

    components: tuple[Component, ...]
    tables: tuple[TokenTable, ...]
    languages: tuple[str, ...] = field(init=False)
    tasks: tuple[str, ...] = field(init=False)
    language_of: Int64 = field(init=False)  # component -> index into languages
    task_of: Int64 = field(init=False)  # component -> index into tasks
    _base: Int64 = field(init=False)
    _lengths: Int64 = field(init=False)
    _supervised: Int64 = field(init=False)

    def __post_init__(self) -> None:
        languages = tuple(sorted({c.language for c in self.components}))
        tasks = tuple(sorted({c.task for c in self.components}))
        derived = {
            "languages": languages,
            "tasks": tasks,
            "language_of": np.array([languages.index(c.language) for c in self.components]),
            "task_of": np.array([tasks.index(c.task) for c in self.components]),
            "_base": np.cumsum([0, *(len(t) for t in self.tables[:-1])]),
            "_lengths": np.concatenate([t.lengths for t in self.tables]),
            "_supervised": np.concatenate([_predicted(t) for t in self.tables]),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def rows(self, component: Int32, row: Int64) -> Rows:
        """The figures of samples."""
        at = self._base[component] + row
        return Rows(component, row, self._lengths[at], self._supervised[at])

    def component_rows(self, index: int, row: Int64) -> Rows:
        """The figures of rows of one component."""
        return self.rows(np.full(len(row), index, dtype=np.int32), row)

    def tokens(self, component: int, row: int) -> Int32:
        return self.tables[component].row(row)

    def prompt_length(self, component: int, row: int) -> int:
        """Where supervision starts; at least 1, as nothing predicts a first token."""
        return max(int(self.tables[component].prompt_lengths[row]), 1)


def _predicted(table: TokenTable) -> Int64:
    """Supervised tokens per row: from the prompt's end on, but never the first token."""
    starts = np.maximum(table.prompt_lengths.astype(np.int64), 1)
    return np.maximum(table.lengths - starts, 0)


def read_corpus(params: TrainParams, context: Context) -> Corpus:
    """The tables of the step's inputs, one per component."""
    components = tuple(params.mixture.components)
    return Corpus(components, tuple(read_tokens(context.input(c.input)) for c in components))


def realise_mixture(params: TrainParams, corpus: Corpus) -> Realised:
    """The exact order of samples, long enough for the steps that the parameters ask for."""
    tables = {
        component.input: ComponentRows.of(table)
        for component, table in zip(corpus.components, corpus.tables, strict=True)
    }
    if params.steps > 0 and params.batch_unit == "rows":
        samples = params.steps * params.batch_size
        return realise(params.mixture, tables, samples=samples, pivot=params.pivot)
    if params.steps > 0:
        return _long_enough(params, corpus, tables)
    return realise(params.mixture, tables, epochs=params.epochs, pivot=params.pivot)


def _long_enough(
    params: TrainParams, corpus: Corpus, tables: Mapping[str, ComponentRows]
) -> Realised:
    """For steps of a token budget: epochs until the last step's budget must be filled.

    No step takes more tokens than its budget, single rows above the budget apart, so that
    steps · budget tokens and an epoch to spare are enough.
    """
    one = realise(params.mixture, tables, epochs=1.0, pivot=params.pivot)
    samples = one.slice(0, len(one))
    tokens = int(corpus.rows(samples.component, samples.row).lengths.sum())
    wanted = params.steps * params.batch_size
    epochs = float(-(-wanted // max(tokens, 1)) + 1)
    return realise(params.mixture, tables, epochs=epochs, pivot=params.pivot)
