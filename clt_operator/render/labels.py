"""Names, labels and annotations of a Job: derived from keys and from what steps are about.

A name depends on keys alone, so that two experiments that want the same step want the same Job.
Labels are bounded: a fixed set of names, values that Kubernetes accepts; full texts are in
annotations, of bounded length.
"""

import hashlib
import re
from collections.abc import Sequence

from clt_operator.api.step import Step

# Labels of steps that become labels of Jobs; what else a step carries stays in its document.
SHOWN = ("model", "stage", "sweep", "task", "language", "mix", "k", "seed", "metric", "control")
PREFIX = "clt.dev/"
EXPERIMENT_LABEL = f"{PREFIX}experiment"  # the experiment that made the Job, of several owners
SHORT_KEY = 16  # hexadecimal digits
MAX_NAME = 63
MAX_SUMMARY = 256


def job_name(steps: Sequence[Step]) -> str:
    """``clt-<kind>-<16 hexadecimal digits>`` of the key, or of all keys in whatever order."""
    keys = sorted(step.key for step in steps)
    digest = keys[0] if len(keys) == 1 else hashlib.sha256(" ".join(keys).encode()).hexdigest()
    tail = digest[:SHORT_KEY]
    kind = re.sub(r"[^a-z0-9]+", "-", steps[0].kind.lower()).strip("-")
    room = MAX_NAME - len("clt--") - len(tail) - len("-999")  # pods of an Indexed Job add -N
    return f"clt-{kind[:room].strip('-')}-{tail}"


def labels(steps: Sequence[Step]) -> dict[str, str]:
    """Labels of the Job and its pods: what all its steps agree on."""
    kind = sanitised(steps[0].kind)
    made = {
        "app.kubernetes.io/name": "clt",
        "app.kubernetes.io/component": kind,
        "app.kubernetes.io/managed-by": "clt",
        "app.kubernetes.io/part-of": "clt",
        f"{PREFIX}kind": kind,
    }
    for name, value in _shared(steps).items():
        if clean := sanitised(value):
            made[PREFIX + name] = clean
    return made


def annotations(steps: Sequence[Step]) -> dict[str, str]:
    """What the steps are about, for people; their keys are the arguments of the container."""
    shared = " ".join(f"{name}={value}" for name, value in _shared(steps).items())
    count = f"{len(steps)} steps " if len(steps) > 1 else ""
    summary = f"{count}{steps[0].kind} {shared}".strip()
    return {f"{PREFIX}summary": summary[:MAX_SUMMARY]}


def sanitised(value: str) -> str:
    """A label value: letters, digits, '-', '_', '.', a letter or digit at both ends, at most 63."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", value)[:63].strip("-_.")


def _shared(steps: Sequence[Step]) -> dict[str, str]:
    first = steps[0].labels
    return {
        name: first[name]
        for name in SHOWN
        if name in first and all(step.labels.get(name) == first[name] for step in steps)
    }
