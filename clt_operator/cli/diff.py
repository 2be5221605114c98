"""diff: what applying a spec would change."""

import difflib
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from clt_operator.cli.options import (
    ContextOption,
    FileOption,
    KubeconfigOption,
    LocalOption,
    SpecArgument,
    SpecNamespaceOption,
    StoreOption,
    VarOption,
)

if TYPE_CHECKING:
    from clt_operator.api.load import LoadedSpec
    from clt_operator.api.step import Step
    from clt_operator.cli.live import Object
    from clt_operator.cli.place import Place
    from clt_operator.store.artifacts import Artifacts

ERROR = 2  # the least exit code of an error: 1 says that something differs


def register(app: typer.Typer) -> None:
    app.command("diff", short_help="Show what applying a spec would change.")(diff)


def diff(
    spec: SpecArgument = None,
    filename: FileOption = None,
    var: VarOption = None,
    namespace: SpecNamespaceOption = None,
    store: StoreOption = None,
    local: LocalOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Show what applying a spec would change: the object, and which steps are new.

    Exit 0: nothing; 1: something; 2 or more: an error. Nothing is written.
    """
    from clt_operator.api.errors import CltError
    from clt_operator.cli.output import say
    from clt_operator.cli.place import place_of
    from clt_operator.cli.specs import read_spec

    try:
        loaded, base = read_spec(spec, filename, var)
        place = place_of(
            namespace=namespace,
            store=store,
            local=local,
            context=context,
            kubeconfig=kubeconfig,
            spec_store=loaded.experiment.spec.store,
        )
        compare = _on_cluster if place.on_cluster else _in_store
        differs = compare(loaded, base, place)
    except CltError as error:
        for line in str(error).splitlines():
            say(f"error: {line}")
        sys.exit(max(ERROR, error.exit_code))
    if differs:
        raise typer.Exit(1)


def _on_cluster(loaded: "LoadedSpec", base: Path, place: "Place") -> bool:
    from clt_operator.cli.declaring import Conflicting, declare, significant
    from clt_operator.cli.live import Live, reference, store_uri
    from clt_operator.cli.output import say
    from clt_operator.cli.specs import namespace_of

    live = Live(place)
    namespace = namespace_of(loaded, place.namespace, lambda: live.api.namespace)
    try:
        declared = declare(live.api, loaded, namespace)
    except Conflicting as error:
        for line in str(error).splitlines():
            say(f"warning: {line}")
        declared = declare(live.api, loaded, namespace, force=True)
    before = significant(declared.live) if declared.live else {}
    _show(before, significant(declared.result), reference(declared.body))
    there = declared.live
    if there is not None and store_uri(there):
        _tell_steps(loaded, base, namespace, lambda: live.artifacts(there))
    return declared.change != "unchanged"


def _in_store(loaded: "LoadedSpec", base: Path, place: "Place") -> bool:
    from clt_operator.api.load import load_experiment
    from clt_operator.cli.declaring import object_of, significant
    from clt_operator.cli.specs import namespace_of
    from clt_operator.cli.stored import open_artifacts
    from clt_operator.store.layout import SPEC_FILE

    artifacts = open_artifacts(place.store, loaded.experiment.spec.store)
    namespace, name = namespace_of(loaded, place.namespace), loaded.experiment.metadata.name
    text = artifacts.experiment_file(namespace, name, SPEC_FILE)
    before: Object = {}
    if text is not None and artifacts.root(namespace, name) is not None:
        lock = artifacts.lock(namespace, name)
        variables = lock.variables if lock else {}
        former = load_experiment(text.decode(), f"{name} as applied", variables)
        before = significant(object_of(former, namespace))
    after = significant(object_of(loaded, namespace))
    _show(before, after, f"experiment/{name}")
    _tell_steps(loaded, base, namespace, lambda: artifacts)
    return before != after


def _show(before: "Object", after: "Object", name: str) -> None:
    """A unified diff of two objects as YAML; nothing where they are the same."""
    from clt_operator.cli.declaring import as_yaml
    from clt_operator.cli.output import show

    old, new = (as_yaml(each).splitlines() if each else [] for each in (before, after))
    for line in difflib.unified_diff(old, new, f"live/{name}", f"applied/{name}", lineterm=""):
        show(line)


def _tell_steps(
    loaded: "LoadedSpec", base: Path, namespace: str, opened: "Callable[[], Artifacts]"
) -> None:
    """Which steps are new; says so where the store cannot be asked."""
    from clt_operator.api.errors import CltError
    from clt_operator.cli.output import say
    from clt_operator.cli.specs import study

    name = loaded.experiment.metadata.name
    try:
        artifacts = opened()
        lock = artifacts.lock(namespace, name)
        root = artifacts.root(namespace, name) or {}
        planned = study(loaded, base, lock, offline=True)
        committed = artifacts.committed()
    except CltError as error:
        say(f"the steps are not compared: {error}")
        return
    for line in steps_in_words(planned.plan.graph, set(root.get("keys", ())), committed):
        say(line)
    if planned.lock.unpinned:
        say("keys of new sources are provisional until they are pinned")


def steps_in_words(
    steps: "Iterable[Step]", before: Collection[str], committed: Collection[str]
) -> list[str]:
    """How many steps are kept, new, and dropped."""
    mine = list(steps)
    new = [step for step in mine if step.key not in before]
    missing = [step for step in new if step.key not in committed]
    kinds = ", ".join(f"{n} {kind}" for kind, n in Counter(s.kind for s in missing).items())
    lines = [f"steps: {len(mine) - len(new)} kept, {len(new)} new"]
    if new:
        done = len(new) - len(missing)
        lines.append(f"to compute: {len(missing)}{f' ({kinds})' if kinds else ''}")
        if done:
            lines.append(f"new and computed already, for another experiment: {done}")
    dropped = len(set(before) - {step.key for step in mine})
    if dropped:
        lines.append(f"no longer wanted: {dropped} (their artifacts stay until cltctl gc)")
    return lines
