"""The comments of values.yaml: a comment that begins with ``--`` tells what the next key means."""

from dataclasses import dataclass
from typing import Any

import yaml


@dataclass(frozen=True)
class Value:
    """A documented value: its place, its default, what the comment says."""

    path: tuple[str, ...]
    default: Any
    text: str


def documented(text: str) -> list[Value]:
    """The values with a comment, in the order of the file. A value without one is a section
    whose parts have theirs; raises ValueError for a value that has neither."""
    lines = text.splitlines()
    found: list[Value] = []

    def walk(node: yaml.Node, path: tuple[str, ...]) -> None:
        if not isinstance(node, yaml.MappingNode) or not node.value:
            raise ValueError(f"{'.'.join(path)} has no comment that begins with '# --'")
        for key, value in node.value:
            place = (*path, key.value)
            comment = _above(lines, key.start_mark.line)
            if comment:
                found.append(Value(place, _plain(value), comment))
            else:
                walk(value, place)

    root = yaml.compose(text)
    assert root is not None  # noqa: S101 - a file without values has no keys to document
    walk(root, ())
    return found


def _above(lines: list[str], line: int) -> str:
    """The comment that ends right above a line, where it begins with ``--``."""
    held: list[str] = []
    for text in reversed(lines[:line]):
        stripped = text.strip()
        if not stripped.startswith("#"):
            break
        held.insert(0, stripped.removeprefix("#").strip())
        if held[0].startswith("--"):
            return " ".join(held).removeprefix("--").strip()
    return ""


def _plain(node: yaml.Node) -> Any:
    return yaml.safe_load(yaml.serialize(node))
