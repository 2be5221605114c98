"""Whole studies with every kind of step and as few of them as there can be."""

from typing import Any

from cluster.harness.experiments import small_study

Json = dict[str, Any]


def tiny_study(**changes: Any) -> Json:
    """29 steps: a base model, two trainings on it (``k`` 0 and 20), evaluated in two languages.

    Each further seed adds 14 steps. ``changes`` replace fields of the spec.
    """
    spec = small_study(seeds=[0])
    digits, sums = spec["tasks"][0], spec["tasks"][-1]
    digits.pop("templates")
    spec["tasks"] = [digits, sums]
    spec["stages"][0] |= {"tasks": ["digits"], "languages": ["en", "es"]}
    spec["languages"] = {"pivot": "en", "mixes": {"one": ["es"]}, "evaluate": ["en", "es"]}
    spec["sweeps"][0].pop("untrained", None)
    spec["report"].pop("contrasts")
    return spec | changes


def with_compute(spec: Json, section: str, **changes: Any) -> Json:
    """The same study with other resources for ``train``, ``evaluate``, ``data`` or ``report``."""
    spec["compute"][section] |= changes
    return spec
