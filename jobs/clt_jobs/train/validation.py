"""Validation: the mean loss per supervised token of each component's held-out rows."""

from collections.abc import Mapping

import numpy as np
import torch

from clt_jobs.data.mixture import Realised
from clt_jobs.train.corpus import Corpus, Rows
from clt_jobs.train.gradients import Gradients
from clt_jobs.train.selection import Candidate


def held_out(corpus: Corpus, realised: Realised) -> dict[str, Rows]:
    """The rows held out, by component input; components without a supervised token in them
    are absent."""
    found = {}
    for index, component in enumerate(corpus.components):
        rows = np.asarray(realised.validation.get(component.input, ()), dtype=np.int64)
        held = corpus.component_rows(index, rows)
        if held.supervised.sum() > 0:
            found[component.input] = held
    return found


@torch.no_grad()
def validate(
    gradients: Gradients, corpus: Corpus, held: Mapping[str, Rows], step: int
) -> Candidate:
    """The losses at a step, by component input. Collective."""
    ranks = gradients.ranks
    sums = torch.zeros(len(held), dtype=torch.float64, device=ranks.device)
    gradients.module.eval()
    for at, rows in enumerate(held.values()):
        for share in gradients.limits.shares(rows.lengths, ranks):
            part = rows.take(share.index)
            batch = gradients.objective.collate(corpus, part, np.ones(len(part)), gradients.pad).to(
                ranks.device
            )
            total = gradients.module(batch).double().sum()
            if not share.idle:
                sums[at] += total
    gradients.module.train()
    totals = ranks.sum(sums).tolist()
    return Candidate(
        step,
        {
            name: total / int(rows.supervised.sum())
            for (name, rows), total in zip(held.items(), totals, strict=True)
        },
    )
