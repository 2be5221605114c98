"""describe: everything that is known of one experiment, or of one step."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from clt_operator.cli.options import (
    DEFAULT_NAMESPACE,
    Format,
    NamespaceOption,
    OutputOption,
    StoreOption,
)

if TYPE_CHECKING:
    from clt_operator.api.step import Step
    from clt_operator.cli.stored import Stored


def register(app: typer.Typer) -> None:
    app.command("describe")(describe)


def describe(
    name: Annotated[str, typer.Argument(help="Experiment.")],
    step: Annotated[str | None, typer.Argument(help="Start of a step's key.")] = None,
    namespace: NamespaceOption = DEFAULT_NAMESPACE,
    store: StoreOption = None,
    output: OutputOption = Format.table,
) -> None:
    """Show an experiment (lock, counts, failures) or one of its steps (inputs, attempts, files)."""
    from clt_operator.cli.output import command, dump, say, show
    from clt_operator.cli.stored import open_artifacts, stored

    found = stored(open_artifacts(store), namespace, name)
    facts = describe_step(found, found.find(step)) if step else describe_experiment(found)
    if output is Format.name:
        show(f"step/{facts['key']}" if step else f"experiment/{name}")
    elif output is Format.table:
        for line in _lines(facts):
            show(line)
        if not step:
            given = {"store": store, "namespace": namespace}
            say(f"next: {command('get', 'steps', name, **given)}")
            say(f"      {command('describe', name, 'KEY', **given)}")
            say(f"      {command('logs', name, 'KEY', **given)}")
    else:
        dump(facts, output)


def describe_experiment(found: "Stored") -> dict[str, Any]:
    status = found.status
    lock = found.lock
    return {
        "name": found.name,
        "namespace": found.namespace,
        "store": found.artifacts.store.uri,
        "phase": status.finished or "incomplete",
        **found.plan.counts,
        "stepsByKind": {
            kind: {phase: count for phase, count in phases.items() if count}
            for kind, phases in status.counts.items()
        },
        "failures": [
            {
                "key": failure.key,
                "kind": failure.kind,
                "name": failure.name,
                "attempts": failure.attempts,
                "message": failure.message,
            }
            for failure in status.failures
        ],
        "report": found.report_key,
        "lock": {
            "cltVersion": lock.clt_version,
            "variables": lock.variables,
            "models": {
                entry.source: entry.revision or entry.digest for entry in lock.models.values()
            },
            "sources": {
                entry.source: {
                    "revision": entry.revision,
                    "rows": {code: rows.rows for code, rows in entry.languages.items()},
                }
                for entry in lock.sources.values()
            },
        },
    }


def describe_step(found: "Stored", step: "Step") -> dict[str, Any]:
    artifacts = found.artifacts
    manifest = artifacts.manifest(step.key)
    return {
        "key": step.key,
        "kind": step.kind,
        "version": step.work.version,
        "labels": dict(step.labels),
        "parameters": step.params.model_dump(mode="json", exclude_defaults=True),
        "inputs": {entry.name: f"{entry.key[:16]}/{entry.output}" for entry in step.inputs},
        "attempts": [
            {
                "attempt": state.claim.attempt,
                "holder": state.claim.holder,
                "claimedAt": state.claim.claimed_at,
                "outcome": state.outcome.outcome if state.outcome else "open",
                "message": state.outcome.message if state.outcome else "",
            }
            for state in artifacts.attempts(step.key)
        ],
        "committed": manifest is not None,
        "outputs": {
            name: {"files": len(files), "bytes": sum(file.size for file in files)}
            for name, files in (manifest.outputs if manifest else {}).items()
        },
        "summary": manifest.summary if manifest else {},
        "provenance": manifest.provenance if manifest else {},
    }


def _lines(value: Any, indent: str = "") -> Any:
    """A mapping as indented lines; empty parts are left out."""
    for name, part in value.items():
        if isinstance(part, dict) and part:
            yield f"{indent}{name}:"
            yield from _lines(part, indent + "  ")
        elif isinstance(part, list) and part:
            yield f"{indent}{name}:"
            for element in part:
                if isinstance(element, dict):
                    yield from _lines(element, indent + "  ")
                    yield ""
                else:
                    yield f"{indent}  - {element}"
        elif part not in ({}, [], "", None):
            yield f"{indent}{name}: {part}"
