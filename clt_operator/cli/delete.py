"""delete: forget an experiment; what it committed stays in the store until it is collected."""

from typing import TYPE_CHECKING

import typer

from clt_operator.cli.options import (
    ContextOption,
    KubeconfigOption,
    LocalOption,
    NamesArgument,
    NamespaceOption,
    StoreOption,
)

if TYPE_CHECKING:
    from clt_operator.cli.place import Place
    from clt_operator.store.artifacts import Artifacts


def register(app: typer.Typer) -> None:
    app.command("delete", short_help="Forget experiments; artifacts stay until gc.")(delete)


def delete(
    names: NamesArgument,
    namespace: NamespaceOption = None,
    store: StoreOption = None,
    local: LocalOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Delete experiments: Jobs that no other experiment needs go, artifacts stay.

    The same spec applied again finds what was committed. cltctl gc frees what no experiment
    wants.
    """
    from clt_operator.cli.place import place_of

    place = place_of(
        namespace=namespace, store=store, local=local, context=context, kubeconfig=kubeconfig
    )
    if place.on_cluster:
        _from_cluster(place, names)
    else:
        _from_store(place, names)


def _from_cluster(place: "Place", names: list[str]) -> None:
    from clt_operator.cli.live import Live, reference, store_uri
    from clt_operator.cli.output import say, show
    from clt_operator.cluster.resources import EXPERIMENTS

    live = Live(place)
    items = [live.get(name) for name in names]
    for item in items:
        meta = item["metadata"]
        live.api.delete(EXPERIMENTS, meta["name"], namespace=meta["namespace"], uid=meta["uid"])
        show(f"{reference(item)} deleted")
    for uri in dict.fromkeys(uri for item in items if (uri := store_uri(item))):
        say(f"artifacts stay in {uri}. to see what can go: cltctl gc --store {uri}")


def _from_store(place: "Place", names: list[str]) -> None:
    from clt_operator.cli.output import command, say, show
    from clt_operator.cli.stored import open_artifacts, stored

    artifacts = open_artifacts(place.store)
    found = [stored(artifacts, place.store_namespace, name) for name in names]
    for each in found:
        alone = _only_theirs(artifacts, each.namespace, each.name)
        artifacts.drop_root(each.namespace, each.name)
        show(f"experiment/{each.name} deleted")
        say(f"{alone} artifacts that no other experiment wants stay until they are collected")
    given = {name: value for name, value in place.given.items() if name != "namespace"}
    say(f"next: {command('gc', **given)}")


def _only_theirs(artifacts: "Artifacts", namespace: str, name: str) -> int:
    """How many artifacts an experiment alone keeps."""
    from clt_operator.store.roots import Roots

    roots = Roots(artifacts)
    others = [roots.keys_of(*place) for place in roots.experiments if place != (namespace, name)]
    return len(roots.keys_of(namespace, name).difference(*others) & artifacts.committed())
