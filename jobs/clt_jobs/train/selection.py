"""Which checkpoint a policy chooses: pure bookkeeping over the validations of a training.

Candidates are the steps with a validation, the last one included and step 0 not. The lowest
loss wins, the earliest among equals. What every policy would have chosen is recorded, because
a choice by the loss of one language is a poor choice for the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from clt_operator.api.kinds.train import Component, TrainParams


@dataclass(frozen=True)
class Candidate:
    """The validation losses at one step: mean per supervised token, by component input."""

    step: int
    losses: Mapping[str, float]


@dataclass(frozen=True)
class Policies:
    """The losses that policies look at: named sets of components, each a macro-mean."""

    members: Mapping[str, tuple[str, ...]]  # policy -> component inputs with validation items

    @staticmethod
    def of(components: Sequence[Component], validated: Sequence[str], pivot: str) -> "Policies":
        """``mixture_loss``, ``pivot_loss`` and one ``language/<code>`` per language, as far as
        they have validation items."""
        known = [c for c in components if c.input in set(validated)]
        members = {
            "mixture_loss": tuple(c.input for c in known),
            "pivot_loss": tuple(c.input for c in known if c.language == pivot),
        }
        for language in sorted({c.language for c in known}):
            members[f"language/{language}"] = tuple(
                c.input for c in known if c.language == language
            )
        return Policies({name: inputs for name, inputs in members.items() if inputs})

    def losses(self, candidate: Candidate) -> dict[str, float]:
        """The macro-mean over components that each policy sees."""
        return {
            name: fmean(candidate.losses[i] for i in inputs)
            for name, inputs in self.members.items()
        }

    def choice(self, name: str, candidates: Sequence[Candidate]) -> Candidate:
        """The candidate of the lowest loss, the earliest among equals."""
        return min(candidates, key=lambda c: (self.losses(c)[name], c.step))


def is_best(policies: Policies, policy: str, candidates: Sequence[Candidate]) -> bool:
    """Whether the newest candidate is what ``policy`` would choose now."""
    return policies.choice(policy, candidates) is candidates[-1]


def selection_record(
    params: TrainParams, policies: Policies, candidates: Sequence[Candidate], last_step: int
) -> dict[str, Any]:
    """``selection.json``: the choice, and what every policy would have chosen."""
    chosen = {"last": last_step} | {
        name: policies.choice(name, candidates).step for name in policies.members
    }
    validated = set(policies.members.get("mixture_loss", ()))
    return {
        "select": params.select,
        "selected_step": chosen[params.select],
        "choices": chosen,
        "candidates": [
            {"step": c.step, "losses": policies.losses(c), "components": dict(c.losses)}
            for c in candidates
        ],
        "components_without_validation": [
            c.input for c in params.mixture.components if c.input not in validated
        ],
    }
