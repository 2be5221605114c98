"""Composes YAML events to a graph of nodes, in bounded time and memory, without recursion.

Aliases share nodes. Every node carries the size and the depth that it has once aliases are
expanded, so that a file that explodes is refused while it is read, never expanded.
"""

from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from clt_operator.api.errors import Problem, SpecError

MAX_VALUES = 200_000  # after aliases are expanded; a scalar counts one per 100 characters
MAX_DEPTH = 100  # after aliases are expanded

_PARSER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # libyaml where it is there

_HINTS = {
    "mapping values are not allowed": "put text that holds ': ' in quotes, or mend the indentation",
    "tab": "indent with spaces",
    "cannot start any token": "put text that starts with this character in quotes",
    "unexpected end of stream": "a quote is not closed",
    "did not find expected": "check brackets, quotes and the indentation above this place",
}


@dataclass(slots=True, eq=False)
class _Placed:
    """A node of the composed graph; ``size`` and ``depth`` are those of its expansion."""

    line: int
    column: int
    size: int = 1
    depth: int = 1
    complete: bool = True


@dataclass(slots=True, eq=False)
class Scalar(_Placed):
    text: str = ""
    plain: bool = False
    tag: str | None = None


@dataclass(slots=True, eq=False)
class Collection(_Placed):
    """A sequence's entries; or a mapping's keys and values in turn."""

    is_mapping: bool = False
    tag: str | None = None
    nodes: list["Node"] = field(default_factory=list)


Node = Scalar | Collection


def compose(text: str, file: str) -> Node | None:
    """The root of the only document; None where there is none.

    Raises SpecError with file, line and column.
    """
    return _Composer(file).compose(text)


class _Composer:
    """Makes the node graph from parser events, without recursion; aliases share nodes."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.root: Node | None = None
        self.open: list[Collection] = []
        self.anchors: dict[str, Node] = {}
        self.documents = 0

    def compose(self, text: str) -> Node | None:
        try:
            for event in yaml.parse(text, Loader=_PARSER):
                self._take(event)
        except yaml.MarkedYAMLError as error:
            raise SpecError([self._syntax(error, text)]) from None
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            message = f"the character U+{int(error.character):04X} is not allowed in YAML"
            raise SpecError([Problem("", message, file=self.file, line=line)]) from None
        except UnicodeEncodeError as error:
            line = text.count("\n", 0, error.start) + 1
            raise SpecError([Problem("", "not valid UTF-8", file=self.file, line=line)]) from None
        return self.root

    def _take(self, event: Any) -> None:
        match event:
            case yaml.ScalarEvent():
                node = Scalar(
                    *_place(event), text=event.value, plain=event.implicit[0], tag=event.tag
                )
                node.size = 1 + len(event.value) // 100
                self._add(node, event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                is_mapping = isinstance(event, yaml.MappingStartEvent)
                opened = Collection(*_place(event), is_mapping=is_mapping, tag=event.tag)
                opened.complete = False
                self._add(opened, event)
                self.open.append(opened)
                if len(self.open) > MAX_DEPTH:
                    self._fail(event, f"nested more than {MAX_DEPTH} deep")
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._close(event)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    self._fail(event, "a second document", "one file holds one experiment")

    def _add(self, node: Node, event: Any) -> None:
        if event.anchor:
            self.anchors[event.anchor] = node
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        parent.nodes.append(node)
        if node.complete:
            self._grow(parent, node, event)

    def _close(self, event: Any) -> None:
        closed = self.open.pop()
        closed.complete = True
        if self.open:
            self._grow(self.open[-1], closed, event)

    def _alias(self, event: Any) -> None:
        target = self.anchors.get(event.anchor)
        if target is None:
            self._fail(event, f"the alias *{event.anchor} has no anchor &{event.anchor} above it")
        elif not target.complete:
            self._fail(event, f"the alias *{event.anchor} lies inside its own anchor")
        elif self.open:
            parent = self.open[-1]
            parent.nodes.append(target)
            self._grow(parent, target, event)

    def _grow(self, parent: Collection, child: Node, event: Any) -> None:
        parent.size += child.size
        parent.depth = max(parent.depth, child.depth + 1)
        if parent.size > MAX_VALUES:
            self._fail(
                event,
                f"more than {MAX_VALUES:,} values, aliases expanded",
                "describe the grid with sweeps instead of listing it",
            )
        if parent.depth > MAX_DEPTH:
            self._fail(event, f"nested more than {MAX_DEPTH} deep, aliases expanded")

    def _fail(self, event: Any, message: str, hint: str = "") -> NoReturn:
        raise SpecError([Problem("", message, hint, self.file, *_place(event))])

    def _syntax(self, error: yaml.MarkedYAMLError, text: str) -> Problem:
        said = str(error.problem or error.context or "not valid YAML")
        mark = error.problem_mark or error.context_mark
        at = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        lines = text.split("\n")
        line = lines[mark.line] if mark and mark.line < len(lines) else ""  # else: at the end
        if mark and line[mark.column :].startswith("\t"):
            said = "a tab where an indentation or a value was expected"
        if "${" in line and "did not find expected" in said:
            hint = "inside { } and [ ] put ${NAME} in quotes, or write the field on its own line"
        else:
            hint = next((hint for part, hint in _HINTS.items() if part in said), "")
        return Problem("", f"not valid YAML: {said}", hint, self.file, *at)


def _place(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1
