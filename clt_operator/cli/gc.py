"""gc: free what no experiment of a store wants any more."""

import time
from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clt_operator.cli.options import (
    ContextOption,
    Format,
    KubeconfigOption,
    LocalOption,
    NamespaceOption,
    OutputOption,
    StoreOption,
)

if TYPE_CHECKING:
    from clt_operator.cli.place import Place
    from clt_operator.store.collection import Item, Survey, Swept

WHAT = {
    "artifact": "results that no experiment wants",
    "step": "records of steps that no experiment wants",
    "attempt": "files of attempts that committed nothing",
    "resume state": "saved states that nothing resumes",
    "input": "pushed data that no experiment names",
    "experiment": "files of deleted experiments",
    "probe": "leftovers of store checks",
}
WHEN = {"now": "now", "later": "uncommitted now, files later", "young": "too young"}


def register(app: typer.Typer) -> None:
    app.command("gc", short_help="Free what no experiment of a store wants any more.")(gc)


def gc(
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Delete. Without it nothing is touched.")
    ] = False,
    grace: Annotated[
        str,
        typer.Option(
            "--grace",
            help="What is younger stays, such as 7d or 12h. 0: at once, only where nothing uses "
            "the store.",
        ),
    ] = "7d",
    output: OutputOption = Format.table,
    namespace: NamespaceOption = None,
    store: StoreOption = None,
    local: LocalOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Show what a store could free, by kind and size; with --yes free it.

    Kept is what the root of any experiment names. Results go in two steps: they are uncommitted
    first, and their files go with a later gc, a grace period after, so that whoever reads them
    can finish.
    """
    from clt_operator.cli.durations import seconds_of
    from clt_operator.cli.output import command, dump, say, show, table
    from clt_operator.cli.place import place_of
    from clt_operator.cli.sizes import size_text
    from clt_operator.cli.stored import open_artifacts
    from clt_operator.store.collection import collect, survey
    from clt_operator.store.marks import store_clock

    seconds = seconds_of(grace, "--grace")
    place = place_of(
        namespace=namespace, store=store, local=local, context=context, kubeconfig=kubeconfig
    )
    artifacts = open_artifacts(store_of_cluster(place) if place.on_cluster else place.store)
    now = store_clock(artifacts.store) if yes else time.time()
    found = survey(artifacts, now, seconds)
    facts = summarise(found)
    if output is Format.table:
        headers = ("what", "kind", "count", "size", "when")
        table(headers, [_cells(row) for row in facts["items"]])
        say(f"{found.experiments} experiments keep {size_text(found.kept)}")
    elif output is Format.name:
        for item in found.items:
            show(f"{item.what.replace(' ', '-')}/{item.name}")
    elif not yes:
        dump(facts, output)
    if not yes:
        _tell_dry(found, command("gc", yes=True, grace=grace, **place.given))
        return
    swept = collect(artifacts, lambda: store_clock(artifacts.store), seconds, _Progress())
    if output in (Format.json, Format.yaml):
        dump({**facts, "freed": vars(swept)}, output)
    say(f"freed {size_text(swept.bytes)} in {swept.objects} objects")
    if swept.artifacts and seconds:
        later = datetime.fromtimestamp(now + seconds).astimezone()
        say(
            f"{swept.artifacts} results are uncommitted; their files go with a gc after "
            f"{later:%Y-%m-%d %H:%M}"
        )


def store_of_cluster(place: "Place") -> str:
    """The one store that the experiments of the namespace use.

    Raises UsageError where they use none or several.
    """
    from clt_operator.cli.live import Live, store_uri
    from clt_operator.cli.place import UsageError

    live = Live(place)
    uris = sorted({uri for item in live.list() if (uri := store_uri(item))})
    if len(uris) != 1:
        known = f"they use {', '.join(uris)}" if uris else "they use none yet"
        raise UsageError(
            f"name one store with --store: of the experiments in namespace {live.namespace} {known}"
        )
    return uris[0]


def summarise(found: "Survey") -> dict[str, Any]:
    """Counts and bytes by what, kind and when; the largest first."""
    groups: dict[tuple[str, str, str], list[Item]] = defaultdict(list)
    for item in found.items:
        groups[item.what, item.kind, item.when].append(item)
    rows: list[dict[str, Any]] = [
        {"what": what, "kind": kind, "when": when, "count": len(items), "bytes": _sum(items)}
        for (what, kind, when), items in groups.items()
    ]
    rows.sort(key=lambda row: -row["bytes"])
    return {
        "items": rows,
        "now": found.size("now"),
        "later": found.size("later"),
        "young": found.size("young"),
        "kept": found.kept,
        "experiments": found.experiments,
    }


def _sum(items: "list[Item]") -> int:
    return sum(item.size for item in items)


def _cells(row: dict[str, Any]) -> tuple[Any, ...]:
    from clt_operator.cli.sizes import size_text

    size = size_text(row["bytes"])
    return WHAT[row["what"]], row["kind"] or "-", row["count"], size, WHEN[row["when"]]


def _tell_dry(found: "Survey", again: str) -> None:
    from clt_operator.cli.output import say
    from clt_operator.cli.sizes import size_text

    if not found.size("now", "later") and not any(i.when != "young" for i in found.items):
        young = found.size("young")
        say(f"nothing to free{f'; {size_text(young)} are too young' if young else ''}")
        return
    say(f"would free {size_text(found.size('now'))} now, {size_text(found.size('later'))} later")
    say(f"dry run: nothing was deleted. next: {again}")


class _Progress:
    """Says how far a collection is, at most every two seconds."""

    def __init__(self) -> None:
        self._next = time.monotonic() + 2.0

    def __call__(self, swept: "Swept") -> None:
        from clt_operator.cli.output import say
        from clt_operator.cli.sizes import size_text

        if time.monotonic() >= self._next:
            self._next = time.monotonic() + 2.0
            say(f"{swept.objects} objects deleted, {size_text(swept.bytes)}")
