"""render: the Kubernetes Job of every step, as YAML."""

from typing import TYPE_CHECKING, Annotated

import typer

from clt_operator.cli.options import (
    FileOption,
    Format,
    OutputOption,
    SpecArgument,
    SpecNamespaceOption,
    StoreOption,
    VarOption,
)

if TYPE_CHECKING:
    from clt_operator.render.profiles import Settings

DEFAULT_IMAGE = "clt-jobs"


def register(app: typer.Typer) -> None:
    app.command("render", short_help="Print the Kubernetes Jobs of a spec.")(render)


def render(
    spec: SpecArgument = None,
    filename: FileOption = None,
    var: VarOption = None,
    namespace: SpecNamespaceOption = None,
    store: StoreOption = None,
    output: OutputOption = Format.yaml,
    image: Annotated[
        str, typer.Option("--image", help="Image of steps whose spec names none.")
    ] = DEFAULT_IMAGE,
    store_secret: Annotated[
        str, typer.Option("--store-secret", help="Secret with the store's credentials.")
    ] = "",
    kind: Annotated[
        str | None, typer.Option("--kind", help="Only steps of this kind, such as train.")
    ] = None,
) -> None:
    """Print the Jobs that a spec amounts to, one per step, inputs first.

    Nothing is applied. A Job names its step by key: to run it by hand, the step's document has
    to be in the store.
    """
    from clt_operator.api.errors import SpecError
    from clt_operator.api.load import locate
    from clt_operator.cli.output import dump, say, show
    from clt_operator.cli.specs import namespace_of, read_spec, study
    from clt_operator.render.job import render_experiment
    from clt_operator.render.text import to_yaml

    loaded, base = read_spec(spec, filename, var)
    planned = study(loaded, base, None, offline=True)
    experiment = loaded.experiment
    namespace = namespace_of(loaded, namespace)
    settings = _settings(namespace, store or experiment.spec.store, image, store_secret)
    try:
        manifests = list(render_experiment(planned.plan.graph, experiment.spec.compute, settings))
    except SpecError as error:
        raise SpecError(locate(error.problems, loaded)) from None
    if kind:
        manifests = [m for m in manifests if m["metadata"]["labels"].get("clt.dev/kind") == kind]
    if output is Format.json:
        dump({"apiVersion": "v1", "kind": "List", "items": manifests}, output)
    elif output in (Format.name, Format.table):
        for manifest in manifests:
            show(f"{manifest['kind'].lower()}/{manifest['metadata']['name']}")
    else:
        show(to_yaml(manifests))
    if planned.lock.unpinned:
        say("keys are provisional: some sources are not pinned (cltctl plan SPEC lists them)")


def _settings(namespace: str, store: str, image: str, secret: str) -> "Settings":
    from clt_operator.cli.place import UsageError
    from clt_operator.render.profiles import Settings, StoreProfile

    if not store.startswith("s3://"):
        raise UsageError(
            "Jobs need a store that pods can reach: give --store s3://bucket/prefix "
            f"(the spec names {store!r}, a profile of a cluster)"
            if store
            else "Jobs need a store that pods can reach: give --store s3://bucket/prefix"
        )
    return Settings(image=image, namespace=namespace, store=StoreProfile(uri=store, secret=secret))
