"""Running a study on this machine: what ``apply --local`` does once the spec is read."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

if TYPE_CHECKING:
    from clt_operator.cli.specs import Study
    from clt_operator.cli.stored import Stored
    from clt_operator.drivers.observer import Result
    from clt_operator.store.artifacts import Artifacts


def write_study(artifacts: "Artifacts", namespace: str, planned: "Study") -> "Stored":
    """Stores lock, spec and root, where they are new; a finished experiment that is applied
    again writes nothing at all."""
    from clt_operator.cli.stored import Stored
    from clt_operator.drivers.root import renewed
    from clt_operator.store.experiments import lock_text
    from clt_operator.store.layout import LOCK_FILE, SPEC_FILE

    name = planned.loaded.experiment.metadata.name
    before = artifacts.root(namespace, name) or {}
    graph = planned.plan.graph
    root = renewed(before, graph, ("forgiven",))
    files = {
        LOCK_FILE: lock_text(planned.lock),
        SPEC_FILE: planned.loaded.text.encode(),
    }
    new = {
        filename: data
        for filename, data in files.items()
        if artifacts.experiment_file(namespace, name, filename) != data
    }
    finished = all(artifacts.manifest(key) is not None for key in graph.targets)
    if new or before != root or not finished:
        artifacts.store.probe()
    for filename, data in new.items():
        artifacts.write_experiment_file(namespace, name, filename, data)
    if before != root:
        artifacts.write_root(namespace, name, root)
    return Stored(artifacts, namespace, name, root)


def run_study(found: "Stored", planned: "Study", jobs: int, scratch: Path | None) -> "Result":
    """Runs the study; if it may report in part, what failed is left out of a second report."""
    from clt_operator.cli.output import say
    from clt_operator.drivers.local import LocalOptions, run_local
    from clt_operator.drivers.progress import observer_for
    from clt_operator.drivers.root import PARTIAL, partial_report
    from clt_operator.plan.partial import partial_graph
    from clt_operator.store.attempts import last_word

    options = LocalOptions(jobs=jobs, scratch=scratch, policy=found.policy)
    if all(found.artifacts.manifest(key) is not None for key in planned.plan.graph.targets):
        say("nothing to do: complete")
        return run_local(planned.plan.graph, found.artifacts, options)
    with observer_for(options.slots()) as watching:
        result = run_local(planned.plan.graph, found.artifacts, options, watching)
    partial = found.spec.report.on_missing == "partial"
    if result.finished == "failed" and partial:
        failed = {key: last_word(found.artifacts.attempts(key)) for key in result.failed}
        graph = partial_graph(planned.plan, planned.lock, failed)
        with observer_for(options.slots()) as watching:
            result = run_local(graph, found.artifacts, options, watching)
        if result.finished == "complete":
            found.root.update(partial_report(graph, planned.plan.graph))
    elif result.finished == "complete":
        for name in PARTIAL:
            found.root.pop(name, None)
    return result


def conclude(found: "Stored", result: "Result", given: dict[str, Any], again: str) -> None:
    """Says how it ended and what to do next; a failure exits 1, an interruption 130."""
    from clt_operator.cli.output import command, say, show

    artifacts, name = found.artifacts, found.name
    before = artifacts.root(found.namespace, name)
    if before != found.root:
        artifacts.write_root(found.namespace, name, found.root)
    if result.finished == "interrupted":
        say(f"stopped; what is committed stays. next: {again}")
        raise typer.Exit(130)
    if result.finished == "failed":
        fail(result, name, given, again)
    if found.root.get("report"):
        say("the report is partial: cells that failed are listed in it with their reasons")
    say(f"{result.committed} steps executed in {result.seconds:.1f} s")
    page = page_path(found)
    show(page if page else f"report/{found.report_key[:16]}")
    say(f"next: {command('report', name, open=True, **given)}")


def fail(result: "Result", name: str, given: dict[str, Any], again: str) -> NoReturn:
    """Says what failed and what to do; exits 1."""
    from clt_operator.cli.output import command, say

    for failure in result.status.failures:
        say(f"failed: {failure.kind} {failure.name} {failure.key[:16]}: {failure.message}")
    say(f"next: {command('logs', name, **given)}; mend the cause; then")
    say(f"      {command('retry', name, **given)} and {again}")
    raise typer.Exit(1)


def page_path(found: "Stored") -> Path | None:
    """Where the report's page lies on this machine, if the store is a directory."""
    from clt_operator.store import layout

    manifest = found.artifacts.manifest(found.report_key)
    if manifest is None:
        return None
    pages = [f.path for f in manifest.outputs.get("page", []) if f.path.endswith(".html")]
    if not pages:
        return None
    name = layout.files(manifest.key, manifest.attempt) + pages[0]
    return found.artifacts.store.local_path(name)
