"""describe: everything that is known of one experiment, or of one step; and why it waits."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import typer

from clt_operator.cli.options import (
    ContextOption,
    Format,
    KubeconfigOption,
    LocalOption,
    NamespaceOption,
    OneNameArgument,
    OutputOption,
    StepArgument,
    StoreOption,
)

if TYPE_CHECKING:
    from clt_operator.api.step import Step
    from clt_operator.cli.live import Live, Object
    from clt_operator.cli.stored import Stored

SHOWN_EVENTS = 10
SHOWN_CAUSES = 5


def register(app: typer.Typer) -> None:
    app.command("describe", short_help="Show an experiment or a step, and why it waits.")(describe)


def describe(
    name: OneNameArgument,
    step: StepArgument = None,
    namespace: NamespaceOption = None,
    output: OutputOption = Format.table,
    store: StoreOption = None,
    local: LocalOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Show an experiment (conditions, counts, failures, why it waits) or one of its steps.

    On a cluster it says of Jobs that wait what they wait for: queue, quota, nodes, image or
    secret, and what to do about it.
    """
    from clt_operator.cli.live import Live
    from clt_operator.cli.output import command, dump, say, show
    from clt_operator.cli.place import place_of
    from clt_operator.cli.stored import open_artifacts, stored

    place = place_of(
        namespace=namespace, store=store, local=local, context=context, kubeconfig=kubeconfig
    )
    if place.on_cluster:
        live = Live(place)
        facts = live_step(live, name, step) if step else live_experiment(live, name)
    else:
        found = stored(open_artifacts(place.store), place.store_namespace, name)
        facts = describe_step(found, found.find(step)) if step else describe_experiment(found)
    if output is Format.name:
        kind = "experiment.clt.dev" if place.on_cluster else "experiment"
        show(f"step/{facts['key']}" if step else f"{kind}/{name}")
    elif output is Format.table:
        for line in _lines(facts):
            show(line)
        if not step:
            given = place.given
            say(f"next: {command('get', 'steps', name, **given)}")
            say(f"      {command('describe', name, 'KEY', **given)}")
            say(f"      {command('logs', name, 'KEY', **given)}")
    else:
        dump(facts, output)


# on a cluster


def live_experiment(live: "Live", name: str) -> dict[str, Any]:
    """The object's status, what its Jobs wait for, and what happened lately."""
    from clt_operator.cli.live import is_current, phase_of, status_of, store_uri
    from clt_operator.cli.why import problems_of

    item = live.get(name)
    status = status_of(item)
    kept = ("done", "failed", "queued", "running", "progress", "eta", "gpuHours", "cost")
    return {
        "name": name,
        "namespace": item["metadata"].get("namespace", ""),
        "phase": phase_of(item),
        "problems": problems_of(item),
        "store": store_uri(item),
        **{field: status[field] for field in kept if status.get(field)},
        **{f: status[f] for f in ("runs", "trainings", "cells", "steps") if f in status},
        "stepsByKind": {
            entry["kind"]: {phase: n for phase, n in entry.items() if phase != "kind" and n}
            for entry in status.get("counts") or ()
        },
        "waiting": [] if phase_of(item) in ("Complete", "Cancelled") else waiting(live, item),
        "conditions": [_condition(c) for c in status.get("conditions") or ()],
        "failures": list(status.get("failures") or ()),
        "report": status.get("report", ""),
        "lock": status.get("lock", ""),
        "statusOf": ""
        if is_current(item) or not status
        else "an older spec or request: the operator has not looked since",
        "events": events_of(live, item),
    }


def waiting(live: "Live", item: "Object") -> list[dict[str, Any]]:
    """Why the experiment, or some of its Jobs, wait; each with the next step."""
    from clt_operator.cli.scene import jobs_of, scene_of
    from clt_operator.cluster.pending import why_pending

    meta = item["metadata"]
    found = list(_of_object(live, item))
    jobs = jobs_of(live.api, meta["namespace"], meta["name"])
    causes = why_pending(scene_of(live.api, meta["namespace"], jobs)) if jobs else []
    found += [
        {"what": cause.text, "next": cause.next.replace("NAME", cause.job), "oldest": cause.job}
        for cause in causes[:SHOWN_CAUSES]
    ]
    return found


def _of_object(live: "Live", item: "Object") -> Iterator[dict[str, Any]]:
    """What holds the experiment as a whole."""
    from clt_operator.cli.live import condition, phase_of, status_of
    from clt_operator.cli.output import command
    from clt_operator.cli.why import REFUSED

    name, given = item["metadata"]["name"], live.place.given
    accepted, degraded = condition(item, "Accepted"), condition(item, "Degraded")
    if not status_of(item):
        what = "no operator has looked at this experiment yet"
        yield {"what": what, "next": command("doctor", **given)}
    if accepted.get("status") == "False":
        what = f"it is not accepted: {accepted.get('reason')}: {_brief(accepted)}"
        yield {"what": what, "next": REFUSED}
    if degraded.get("status") == "True":
        what = f"{degraded.get('reason')}: {degraded.get('message')}"
        yield {"what": what, "next": command("doctor", **given)}
    if phase_of(item) == "Suspended":
        yield {"what": "it is suspended", "next": command("resume", name, **given)}


def events_of(live: "Live", item: "Object") -> list[str]:
    """The latest events of an experiment, the newest last."""
    from clt_operator.cli.live import age
    from clt_operator.cluster.errors import Forbidden
    from clt_operator.cluster.resources import EVENTS

    meta = item["metadata"]
    fields = f"regarding.kind=Experiment,regarding.name={meta['name']}"
    try:
        found = list(live.api.list(EVENTS, meta["namespace"], fields=fields))
    except Forbidden:
        return ["(not readable for this user)"]
    mine = [e for e in found if (e.get("regarding") or {}).get("uid", meta["uid"]) == meta["uid"]]
    lines = []
    for event in sorted(mine, key=_when)[-SHOWN_EVENTS:]:
        count = (event.get("series") or {}).get("count") or 1
        times = f" (x{count})" if count > 1 else ""
        word = "" if event.get("type") == "Normal" else f"{event.get('type')} "
        lines.append(
            f"{age(_when(event))} ago{times}: {word}{event.get('reason')}: {event.get('note')}"
        )
    return lines


def _when(event: "Object") -> str:
    series = event.get("series") or {}
    return str(
        series.get("lastObservedTime")
        or event.get("eventTime")
        or event.get("deprecatedLastTimestamp")
        or event["metadata"].get("creationTimestamp")
        or ""
    )


def _condition(found: "Object") -> str:
    return f"{found['type']}={found['status']} {found.get('reason', '')} {_brief(found)}".rstrip()


def _brief(found: "Object") -> str:
    """The first line of a condition's message, and how many more there are."""
    first, *rest = str(found.get("message") or "").splitlines() or [""]
    return f"{first} (and {len(rest)} more)" if rest else first


def live_step(live: "Live", name: str, prefix: str) -> dict[str, Any]:
    """A step by its record in the store, with its Job and pod where they are there."""
    from clt_operator.cli.live import with_jobs
    from clt_operator.cli.scene import jobs_of, scene_of
    from clt_operator.cluster.pending import why_pending
    from clt_operator.cluster.trim import keys_of

    item = live.get(name)
    found = with_jobs(live, item)
    step = found.find(prefix)
    facts = describe_step(found, step)
    namespace = item["metadata"]["namespace"]
    jobs = [job for job in jobs_of(live.api, namespace, name) if step.key in keys_of(job)]
    if jobs:
        scene = scene_of(live.api, namespace, jobs)
        facts["job"] = {
            "name": jobs[0]["metadata"]["name"],
            "steps": len(keys_of(jobs[0])),
            "suspended": bool(jobs[0].get("spec", {}).get("suspend")),
            "pods": [_pod(pod) for pod in scene.pods.get(jobs[0]["metadata"]["uid"], ())],
        }
        facts["waiting"] = [
            {"what": cause.text, "next": cause.next.replace("NAME", cause.job)}
            for cause in why_pending(scene)
        ]
        if facts["waiting"]:  # what it waits for is the reason
            facts["why"] = facts["waiting"][0]["what"]
    return facts


def _pod(pod: Mapping[str, Any]) -> str:
    node = pod["spec"].get("nodeName")
    where = f" on {node}" if node else ""
    return f"{pod['metadata']['name']} {pod.get('status', {}).get('phase', '')}{where}"


# in a store


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
    from clt_operator.cli.why import why
    from clt_operator.store.invalidation import tombstones

    artifacts = found.artifacts
    manifest, attempts = artifacts.manifest(step.key), artifacts.attempts(step.key)
    return {
        "phase": found.phases[step.key],
        "why": why(found, step, attempts),
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
            for state in attempts
        ],
        "invalidated": [
            f"attempt {stone.attempt} at {stone.at}: {stone.reason}"
            for stone in tombstones(artifacts, step.key)
        ],
        "committed": manifest is not None,
        "outputs": {
            name: {"files": len(files), "bytes": sum(file.size for file in files)}
            for name, files in (manifest.outputs if manifest else {}).items()
        },
        "summary": manifest.summary if manifest else {},
        "provenance": manifest.provenance if manifest else {},
    }


def _lines(value: Any, indent: str = "") -> Iterator[str]:
    """A mapping as indented lines; empty parts are left out."""
    for name, part in value.items():
        if isinstance(part, dict) and part and all(type(n) is int for n in part.values()):
            yield f"{indent}{name}: {', '.join(f'{n} {what}' for what, n in part.items())}"
        elif isinstance(part, dict) and part:
            yield f"{indent}{name}:"
            yield from _lines(part, indent + "  ")
        elif isinstance(part, list) and part:
            yield f"{indent}{name}:"
            for element in part:
                if isinstance(element, dict):
                    lines = list(_lines(element))
                    yield f"{indent}  - {lines[0] if lines else ''}"
                    yield from (f"{indent}    {line}" for line in lines[1:])
                else:
                    yield f"{indent}  - {element}"
        elif part not in ({}, [], "", None):
            yield f"{indent}{name}: {part}"
