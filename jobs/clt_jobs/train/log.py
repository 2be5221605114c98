"""The log of a training: one JSON line per optimiser step and per validation.

Lines are functions of the key: no clock reaches them. Throughput goes to the console and to
progress, which nobody compares.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from clt_jobs.train.checkpoint import Counters
from clt_jobs.train.corpus import Corpus, Int64, Rows
from clt_jobs.train.selection import Candidate, Policies
from clt_jobs.train.weights import Float64


def train_line(
    corpus: Corpus,
    rows: Rows,
    row_losses: Float64,
    counters: Counters,
    *,
    loss: float,
    learning_rate: float,
    grad_norm: float,
) -> str:
    """A step's line. ``loss`` is what was minimised; the losses by language and by task are
    means per supervised token of that language or task, whatever the weights."""
    languages = corpus.language_of[rows.component]
    tasks = corpus.task_of[rows.component]
    return _line(
        {
            "kind": "train",
            "step": counters.step,
            "samples": counters.samples,
            "tokens": counters.tokens,
            "supervised_tokens": counters.supervised_tokens,
            "loss": loss,
            "loss_by_language": means(corpus.languages, languages, row_losses, rows.supervised),
            "loss_by_task": means(corpus.tasks, tasks, row_losses, rows.supervised),
            "learning_rate": learning_rate,
            "grad_norm": grad_norm if np.isfinite(grad_norm) else None,
            "skipped_steps": counters.skipped_steps,
        }
    )


def validation_line(candidate: Candidate, policies: Policies) -> str:
    """A validation's line: mean loss per supervised token by component, and macro-means."""
    return _line(
        {
            "kind": "validation",
            "step": candidate.step,
            "loss_by_component": dict(candidate.losses),
            "losses": policies.losses(candidate),
        }
    )


def means(names: Sequence[str], group: Int64, sums: Float64, counts: Int64) -> Mapping[str, float]:
    """The mean per supervised token of every group that has any, by name."""
    totals = np.bincount(group, weights=sums, minlength=len(names))
    tokens = np.bincount(group, weights=counts, minlength=len(names))
    return {name: float(totals[i] / tokens[i]) for i, name in enumerate(names) if tokens[i] > 0}


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False, allow_nan=False) + "\n"
