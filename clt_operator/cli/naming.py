"""Names of experiments for the shell's completion: quick, or none."""

from collections.abc import Mapping
from contextlib import redirect_stderr, suppress
from io import StringIO
from typing import Any

import typer

SECONDS = 1.5  # that a cluster may take to answer


def complete_experiment(ctx: typer.Context, incomplete: str) -> list[str]:
    """The experiments of the place that the options on the line so far name."""
    with suppress(Exception), redirect_stderr(StringIO()):
        return [name for name in _names(ctx.params) if name.startswith(incomplete)]
    return []


def _names(given: Mapping[str, Any]) -> list[str]:
    from clt_operator.cli.live import Live
    from clt_operator.cli.place import place_of
    from clt_operator.cli.stored import open_artifacts

    place = place_of(
        namespace=given.get("namespace"),
        store=given.get("store"),
        local=bool(given.get("local")),
        context=given.get("context"),
        kubeconfig=given.get("kubeconfig"),
    )
    if not place.on_cluster:
        here = place.store_namespace
        return [name for space, name in open_artifacts(place.store).roots() if space == here]
    from clt_operator.cluster.resources import EXPERIMENTS

    live = Live(place)
    api = live.api.limited(patience=0.0, read_seconds=SECONDS, connect_seconds=SECONDS / 2)
    return [item["metadata"]["name"] for item in api.list(EXPERIMENTS, live.namespace)]
