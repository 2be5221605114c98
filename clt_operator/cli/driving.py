"""Driving a study on a cluster from here: ``apply --foreground``, with no operator."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from clt_operator.api.load import LoadedSpec
    from clt_operator.cli.live import Live
    from clt_operator.cli.place import Place
    from clt_operator.drivers.observer import Result
    from clt_operator.render.profiles import Settings

OUTSTANDING = 8  # Jobs that are taken to run at once when the time left is estimated


def drive(
    loaded: "LoadedSpec",
    base: Path,
    place: "Place",
    store: str | None,
    image: str,
    store_secret: str,
    *,
    dry_run: bool,
) -> None:
    """Makes the Jobs of a study until its report is there; a failure exits 1.

    Where they run is told by the installation's profiles, or by ``store`` and ``image`` where
    there is no installation.
    """
    from clt_operator.cli.apply import tell_counts
    from clt_operator.cli.live import Live, environment_for
    from clt_operator.cli.output import say
    from clt_operator.cli.running import write_study
    from clt_operator.cli.specs import namespace_of, study
    from clt_operator.cli.stored import open_artifacts
    from clt_operator.drivers.foreground import run_foreground
    from clt_operator.drivers.progress import observer_for

    live = Live(place)
    namespace = namespace_of(loaded, place.namespace, lambda: live.api.namespace)
    settings = _settings(loaded, live, namespace, store, image, store_secret)
    artifacts = open_artifacts(settings.store.uri, environment=environment_for(settings.store))
    name = loaded.experiment.metadata.name
    planned = study(loaded, base, artifacts.lock(namespace, name), offline=False)
    tell_counts(name, planned.plan.counts, artifacts.store.uri)
    if dry_run:
        say("dry run: nothing was started or stored")
        return
    write_study(artifacts, namespace, planned)
    with observer_for(1) as watching:
        result = run_foreground(live.api, artifacts, planned, settings, watching)
    _conclude(result, name, settings.store.uri, namespace)


def _settings(
    loaded: "LoadedSpec",
    live: "Live",
    namespace: str,
    store: str | None,
    image: str,
    store_secret: str,
) -> "Settings":
    """Raises SpecError with what the spec may not use, UsageError where no store is known."""
    from clt_operator.api.errors import SpecError
    from clt_operator.api.load import locate
    from clt_operator.api.profiles.sources import check_sources
    from clt_operator.cli.live import readable_profiles
    from clt_operator.cli.place import UsageError
    from clt_operator.render.profiles import Settings, StoreProfile

    spec = loaded.experiment.spec
    if store is not None:
        if not store.startswith("s3://"):
            raise UsageError("pods cannot reach a directory of one machine: --store s3://…")
        profile = StoreProfile(uri=store, secret=store_secret)
        if problems := check_sources(spec, profile):
            raise SpecError(locate(problems, loaded))
        return Settings(image=image, namespace=namespace, store=profile)
    profiles = readable_profiles(live.api)
    if profiles is None:
        raise UsageError("no profiles can be read here: name a store with --store s3://…")
    try:
        return profiles.for_experiment(namespace, spec)
    except SpecError as error:
        raise SpecError(locate(error.problems, loaded)) from None


def _conclude(result: "Result", name: str, store: str, namespace: str) -> None:
    """Says how it ended and what to do next."""
    from clt_operator.cli.output import command, say, show
    from clt_operator.cli.running import fail

    given = {"store": store, "namespace": namespace}
    if result.finished == "interrupted":
        say("stopped; what is committed stays, and the same command goes on from there")
        raise typer.Exit(130)
    if result.finished == "failed":
        fail(result, name, given, "the same command again")
    show(f"experiment/{name} complete")
    say(f"{result.committed} steps executed in {result.seconds:.1f} s")
    say(f"next: {command('report', name, open=True, **given)}")
