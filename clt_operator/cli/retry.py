"""retry: failed steps get a fresh budget of attempts."""

from typing import TYPE_CHECKING

import typer

from clt_operator.cli.options import (
    ContextOption,
    KubeconfigOption,
    LocalOption,
    NamespaceOption,
    OneNameArgument,
    StepArgument,
    StoreOption,
)

if TYPE_CHECKING:
    from clt_operator.cli.place import Place


def register(app: typer.Typer) -> None:
    app.command("retry", short_help="Give failed steps a fresh budget of attempts.")(retry)


def retry(
    name: OneNameArgument,
    step: StepArgument = None,
    namespace: NamespaceOption = None,
    store: StoreOption = None,
    local: LocalOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Forgive the attempts of failed steps (all of them, or one). What was recorded stays.

    On a cluster they are tried again at once, in a store at the next apply.
    """
    from clt_operator.cli.place import place_of

    place = place_of(
        namespace=namespace, store=store, local=local, context=context, kubeconfig=kubeconfig
    )
    if place.on_cluster:
        _on_cluster(place, name, step)
    else:
        _in_store(place, name, step)


def _on_cluster(place: "Place", name: str, step: str | None) -> None:
    """The wish goes to the operator, which records in the store what it forgave."""
    from clt_operator.api.requests import RETRY
    from clt_operator.cli.live import Live, now
    from clt_operator.cli.output import command, say, show
    from clt_operator.cli.stored import SHORTEST_PREFIX, NotFound

    live = Live(place)
    if step is not None and len(step) < SHORTEST_PREFIX:
        raise NotFound(f"{step!r} is too short: give {SHORTEST_PREFIX} characters of a key")
    words = [now(), *([step] if step else [])]
    live.patch(name, {"metadata": {"annotations": {RETRY: " ".join(words)}}})
    show(f"experiment.clt.dev/{name} asked to retry {step or 'every failed step'}")
    say(f"next: {command('get', 'experiments', name, watch=True, **place.given)}")


def _in_store(place: "Place", name: str, step: str | None) -> None:
    from clt_operator.cli.output import say, show
    from clt_operator.cli.stored import open_artifacts, stored

    found = stored(open_artifacts(place.store), place.store_namespace, name)
    keys = [found.find(step).key] if step else list(found.decision.failed)
    tried = {key: states for key in keys if (states := found.artifacts.attempts(key))}
    if not tried:
        say("that step was never attempted" if step else "no step has failed")
        return
    forgiven = dict(found.root.get("forgiven", {}))
    for key, states in tried.items():
        forgiven[key] = states[-1].claim.attempt
        show(f"step/{key[:16]} forgiven")
    found.artifacts.write_root(found.namespace, name, {**found.root, "forgiven": forgiven})
    say("next: apply the spec again")
