"""Wishes of users that are fields of the spec: suspend and cancel."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clt_operator.cli.place import Place


def wish(
    names: Sequence[str],
    fields: Mapping[str, bool],
    done: str,
    namespace: str | None,
    context: str | None,
    kubeconfig: str | None,
) -> "Place":
    """Sets fields of the spec of experiments, where they are not set so already.

    A false field is taken away instead, so that it is nobody's: a spec that is applied later
    may say it. Raises NotFound where an experiment is not there.
    """
    from clt_operator.cli.live import Live
    from clt_operator.cli.output import show
    from clt_operator.cli.place import place_of

    place = place_of(
        namespace=namespace, local=False, context=context, kubeconfig=kubeconfig, cluster=True
    )
    live = Live(place)
    for name in names:
        spec = live.get(name).get("spec", {})
        if all(bool(spec.get(field)) == value for field, value in fields.items()):
            show(f"experiment.clt.dev/{name} unchanged")
            continue
        live.patch(name, {"spec": {field: value or None for field, value in fields.items()}})
        show(f"experiment.clt.dev/{name} {done}")
    return place
