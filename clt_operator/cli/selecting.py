"""Choosing steps and runs of an experiment: by key, by labels, by kind."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from clt_operator.cli.place import UsageError

if TYPE_CHECKING:
    from clt_operator.api.step import Step
    from clt_operator.cli.stored import Stored


def parse_selector(text: str) -> Mapping[str, tuple[bool, str]]:
    """``name=value`` and ``name!=value``, separated by commas: name → (equal, value).

    Raises UsageError.
    """
    wanted = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, sign, value = part.partition("!=") if "!=" in part else part.partition("=")
        name, value = name.strip(), value.removeprefix("=").strip()
        if not sign or not name:
            raise UsageError(f"--selector {text!r}: write name=value, separated by commas")
        wanted[name] = (sign == "=", value)
    return wanted


def matches(labels: Mapping[str, Any], wanted: Mapping[str, tuple[bool, str]]) -> bool:
    return all(
        (str(labels.get(name, "")) == value) is equal for name, (equal, value) in wanted.items()
    )


def select(
    found: "Stored",
    keys: Sequence[str] = (),
    selector: str = "",
    kind: str | None = None,
    run: str | None = None,
) -> list["Step"]:
    """Steps whose keys start as given; or those of a kind, with labels, of a run.

    Raises NotFound where a key names none or several.
    """
    if keys:
        return [found.find(key) for key in keys]
    wanted = parse_selector(selector)
    belongs = _of_run(found, run) if run else None
    return [
        step
        for step in found.plan.graph
        if kind in (None, step.kind)
        and matches(step.labels, wanted)
        and (belongs is None or step.key in belongs)
    ]


def _of_run(found: "Stored", prefix: str) -> set[str]:
    """A training and what was made of it alone: its answers and their scores."""
    training = found.find(prefix).key
    members = {training}
    for step in found.plan.graph:  # topological
        if step.kind not in ("collect", "report") and any(i.key in members for i in step.inputs):
            members.add(step.key)
    return members
