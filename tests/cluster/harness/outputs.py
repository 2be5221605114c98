"""Tiny artifacts: for each output that a step of some kind has, one file of a few bytes.

The bytes depend on the key alone, so that a step that is computed twice gives the same artifact.
"""

import hashlib
from collections.abc import Mapping

from clt_operator.api.step import Claim, FileEntry, StepDocument
from clt_operator.store import layout
from clt_operator.store.artifacts import Artifacts

OUTPUTS = {
    "prepare": ("tokens", "counts"),
    "train": ("checkpoint/last", "checkpoint/selected", "metrics", "mixture", "selection"),
    "generate": ("records",),
    "likelihood": ("records",),
    "score": ("items", "summary"),
    "collect": ("scores", "cells"),
    "report": ("tables", "page", "summary"),
}
DERIVED = {"split": ("train", "test"), "cluster": ("clusters",)}
FILES = {
    "page": ("report.html", "<!doctype html><title>stub</title>"),
    "summary": ("summary.json", "{}"),
    "counts": ("counts.json", "{}"),
    "mixture": ("mixture.json", "{}"),
    "selection": ("selection.json", "{}"),
}


def outputs_of(document: StepDocument) -> tuple[str, ...]:
    """What a step of this kind and these parameters commits."""
    params = document.params
    if document.kind == "fetch":
        return ("model", "tokenizer") if params.get("model") else ("rows",)
    if document.kind == "derive":
        return DERIVED.get(str(params.get("operation")), ("rows",))
    return OUTPUTS.get(document.kind, ("rows",))


def stage(artifacts: Artifacts, claim: Claim, document: StepDocument) -> dict[str, list[FileEntry]]:
    """Stores the files of every output under the attempt; they count with the manifest."""
    staged: dict[str, list[FileEntry]] = {}
    for output in outputs_of(document):
        name, text = FILES.get(output, ("stub.txt", f"{document.kind} {claim.key} {output}\n"))
        path, data = f"{output}/{name}", text.encode()
        artifacts.store.put(layout.files(claim.key, claim.attempt) + path, data, durable=False)
        digest = hashlib.sha256(data).hexdigest()
        staged[output] = [FileEntry(path=path, size=len(data), sha256=digest)]
    return staged


def figures_of(document: StepDocument) -> Mapping[str, int]:
    """A manifest's summary: enough for a reader that shows some."""
    return {"rows": 1} if document.kind in ("fetch", "derive", "prepare") else {}
