"""Tiny artifacts: for each output that a step of some kind has, one file of a few bytes.

The bytes depend on the key alone, so that a step that is computed twice gives the same artifact.
A report's summary has made-up scores of the points that the report is about, and an attempt of a
training leaves made-up counts.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

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
        if document.kind == "report" and output == "summary":
            text = json.dumps(_summary(document.params))
        path, data = f"{output}/{name}", text.encode()
        artifacts.store.put(layout.files(claim.key, claim.attempt) + path, data, durable=False)
        digest = hashlib.sha256(data).hexdigest()
        staged[output] = [FileEntry(path=path, size=len(data), sha256=digest)]
    return staged


def figures_of(document: StepDocument) -> Mapping[str, int]:
    """A manifest's summary: enough for a reader that shows some."""
    return {"rows": 1} if document.kind in ("fetch", "derive", "prepare") else {}


def counted(document: StepDocument) -> Mapping[str, float]:
    """What an attempt leaves of its counters, in its outcome."""
    left = {"store_requests": 3.0, "store_retries": 0.0, "store_bytes.read": 100.0}
    for part in document.params.get("mixture", {}).get("components", ()):
        left[f"tokens.{part['language']}"] = 50.0
        left[f"supervised_tokens.{part['language']}"] = 20.0
    return left


def _summary(params: Mapping[str, Any]) -> dict[str, Any]:
    """As the report step writes it, as far as others read it."""
    places = list(_places(params))
    scores = [
        {**place, "language": code, "role": _role(params, place, code), "score": 0.5,
         "change": None if place["k"] == 0 else 0.1, "relative": 0.8, "answers": 20, "failed": 1,
         "told": 10, "wrong_language": 2}
        for place in places for code in params["evaluate"]
    ]  # fmt: skip
    quantities = [
        {**place, "quantity": name, "value": 0.4}
        for place in places for name in ("rel", "seen", "unseen", "gap")
    ]  # fmt: skip
    return {"title": "stub", "scores": scores, "quantities": quantities, "left_out": 0}


def _places(params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    seen = set()
    for point in params["points"]:
        for task in params["tasks"]:
            place = (point["sweep"], point["model"], point["mix"], point["task"], point["k"])
            if not point.get("control") and (*place, task["name"]) not in seen:
                seen.add((*place, task["name"]))
                names = ("sweep", "model", "mix", "trained", "k")
                where = dict(zip(names, place, strict=True))
                yield {**where, "task": task["name"], "metric": task["metrics"][0]}


def _role(params: Mapping[str, Any], place: Mapping[str, Any], code: str) -> str:
    seen = params["mixes"].get(place["mix"], ())
    return "pivot" if code == params["pivot"] else "seen" if code in seen else "unseen"
