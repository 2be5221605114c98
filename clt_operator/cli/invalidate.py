"""invalidate: a result is wrong; it and all that was made from it is computed again."""

from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clt_operator.cli.options import (
    ContextOption,
    KubeconfigOption,
    LocalOption,
    NamespaceOption,
    OneNameArgument,
    StepArgument,
    StoreOption,
    YesOption,
)

if TYPE_CHECKING:
    from clt_operator.cli.place import Place
    from clt_operator.cli.stored import Stored
    from clt_operator.store.artifacts import Artifacts
    from clt_operator.store.invalidation import Affected

MOST_KEYS, KEY_LENGTH = 40, 16  # that an annotation names, and how much of each


def register(app: typer.Typer) -> None:
    app.command("invalidate", short_help="Compute results and all that depends on them again.")(
        invalidate
    )


def invalidate(
    name: OneNameArgument,
    step: StepArgument = None,
    reason: Annotated[
        str, typer.Option("--reason", help="Why; kept in the store beside the step.")
    ] = "",
    selector: Annotated[
        str, typer.Option("-l", "--selector", help="Steps with these labels: mix=all4,k=100.")
    ] = "",
    kind: Annotated[str | None, typer.Option("--kind", help="Only steps of this kind.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be computed again; change nothing.")
    ] = False,
    yes: YesOption = False,
    namespace: NamespaceOption = None,
    store: StoreOption = None,
    local: LocalOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Take results of an experiment out of use, with all that was made from them.

    Every experiment of the store that wants them computes them again: at once on a cluster, at
    the next apply otherwise. A reason is required and kept.
    """
    from clt_operator.api.step import StepDocument
    from clt_operator.cli.asking import confirm
    from clt_operator.cli.live import find_stored, now
    from clt_operator.cli.output import say, show
    from clt_operator.cli.place import UsageError, place_of
    from clt_operator.cli.selecting import select
    from clt_operator.store import invalidation

    if not (step or selector or kind):
        raise UsageError("say which: cltctl invalidate NAME KEY, or --kind, or --selector")
    if not reason.strip() and not dry_run:
        raise UsageError("say why with --reason: it is kept beside the steps")
    place = place_of(
        namespace=namespace, store=store, local=local, context=context, kubeconfig=kubeconfig
    )
    found = find_stored(place, name)
    artifacts = found.artifacts
    tried = artifacts.committed() | artifacts.attempt_numbers().keys()
    chosen = select(found, [step] if step else (), selector, kind)
    chosen = [each for each in chosen if each.key in tried]
    if not chosen:
        say("nothing of these was computed yet: there is nothing to invalidate")
        return
    for each in chosen:
        if not dry_run:
            artifacts.put_document(StepDocument.of(each))
    keys = [each.key for each in chosen]
    before = invalidation.affected(artifacts, keys)
    for line in in_words(artifacts, before):
        show(line)
    if dry_run:
        say("dry run: nothing was changed")
        return
    confirm(f"Invalidate {len(before.committed)} results?", yes=yes)
    done = invalidation.invalidate(artifacts, keys, reason.strip(), now())
    _forgive(place, found, done)


def in_words(artifacts: "Artifacts", found: "Affected") -> list[str]:
    """What goes, and what each experiment of the store will compute again."""
    from clt_operator.store.roots import Roots

    kinds = Counter(document.kind for document in found.committed)
    listed = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    lines = [f"{len(found.committed)} results: {listed or 'none'}"]
    roots = Roots(artifacts)
    gone = {document.key for document in found.committed}
    for namespace, name in sorted(roots.experiments):
        count = len(roots.keys_of(namespace, name) & gone)
        if count:
            lines.append(f"experiment/{name} in {namespace}: {count} steps to compute again")
    return lines


def _forgive(place: "Place", found: "Stored", done: "Affected") -> None:
    """Steps that failed on what was invalidated get a fresh budget; who wants them looks again."""
    from clt_operator.cli.output import say
    from clt_operator.store.roots import Roots

    artifacts = found.artifacts
    failed = [document.key for document in done.tried]
    keys = {document.key for document in (*done.committed, *done.tried)}
    roots = Roots(artifacts)
    for namespace, name in sorted(roots.experiments):
        wanted = roots.keys_of(namespace, name)
        if not wanted & keys:
            continue
        mine = [key for key in failed if key in wanted]
        if place.on_cluster:
            _tell_operator(place, namespace, name, mine)
        elif mine:
            _forgive_in_root(artifacts, namespace, name, mine)
    if place.on_cluster:
        say("they are computed again now; next: cltctl get experiments -w")
    else:
        say("next: apply the spec again")


def _forgive_in_root(
    artifacts: "Artifacts", namespace: str, name: str, keys: Collection[str]
) -> None:
    root: dict[str, Any] = artifacts.root(namespace, name) or {}
    forgiven = dict(root.get("forgiven", {}))
    for key in keys:
        forgiven[key] = max(state.claim.attempt for state in artifacts.attempts(key))
    artifacts.write_root(namespace, name, {**root, "forgiven": forgiven})


def _tell_operator(place: "Place", namespace: str, name: str, failed: list[str]) -> None:
    """By annotations; an experiment that is not on this cluster is another's."""
    from clt_operator.api.errors import CltError
    from clt_operator.api.requests import REQUESTED, RETRY
    from clt_operator.cli.live import Live, now
    from clt_operator.cli.output import say

    notes = {REQUESTED: now()}
    if failed:
        short = [key[:KEY_LENGTH] for key in failed]
        named = short if len(short) <= MOST_KEYS else []  # none named: every failed step
        notes[RETRY] = " ".join([now(), *named])
    try:
        Live(place.within(namespace)).patch(name, {"metadata": {"annotations": notes}})
    except CltError as error:
        say(f"experiment {namespace}/{name} was not told: {error}")
