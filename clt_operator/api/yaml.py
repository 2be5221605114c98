"""Reads YAML by the rules of the 1.2 core schema, in bounded time and memory.

``no`` is Norwegian, ``1e-5`` a number, ``2024-01-01`` text. A file is refused, with the place,
where YAML would be surprising or dangerous: duplicate keys, keys that are not text, tags,
several documents, infinite numbers, aliases that expand to more than MAX_VALUES. Aliases are
counted, not expanded, so that a refusal is quick. Merge keys (``<<``), which 1.2 lacks, are
read because people use them with anchors; a mapping's own keys win over merged ones.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from clt_operator.api.errors import Problem, SpecError
from clt_operator.api.yaml_graph import Collection, Node, Scalar, compose
from clt_operator.api.yaml_scalars import resolve_plain

MAX_BYTES = 5_000_000  # of UTF-8 text
MAX_KEY = 256  # characters
MAX_PROBLEMS = 1_000  # after which reading stops

# A path as a chain from the field to the root: spelled only where a problem is reported.
_Path = tuple[Any, str | int] | None

_NO_PARTS: Mapping[str | int, "Locations"] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Locations:
    """Line (from 1) of a field and, below it, of its parts: keys or positions."""

    line: int
    parts: Mapping[str | int, "Locations"]

    def line_of(self, path: str) -> int:
        """The line of ``spec.sweeps[0].mixes[1]``, or of its nearest parent in the file."""
        place, rest = self, path
        while rest:
            found = place.step(rest)
            if found is None:
                break
            place, rest = found
        return place.line

    def step(self, path: str) -> "tuple[Locations, str] | None":
        """The part that a path begins with, and the rest of the path; keys may hold dots."""
        if entry := re.match(r"\[([0-9]{1,9})\]\.?", path):
            part = self.parts.get(int(entry[1]))
            return (part, path[entry.end() :]) if part else None
        ends = [match.start() for match in re.finditer(r"[.\[]", path)]
        for end in (len(path), *reversed(ends)):
            if part := self.parts.get(path[:end]):
                return part, path[end:].removeprefix(".")
        return None


@dataclass(frozen=True)
class Document:
    """What a file says: plain data (dict, list, str, int, float, bool, None) and its places."""

    data: Any
    locations: Locations


def spell_path(parts: Iterable[str | int]) -> str:
    """The path of a field as a user writes it: ``spec.sweeps[0].mixes[1]``."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return path.removeprefix(".")


def read_yaml(
    text: str, file: str = "", substitute: Callable[[str], str] | None = None
) -> Document:
    """Reads one document.

    ``substitute`` maps the text of every scalar that is a value before its meaning is found;
    a ValueError of it is reported at the scalar's place.
    Raises SpecError with file, line and column.
    """
    if len(text) > MAX_BYTES or len(text.encode(errors="replace")) > MAX_BYTES:
        raise SpecError([too_large(file)])
    root = compose(text, file)
    reader = _Reader(file, substitute)
    data, locations = reader.value(root) if root else (None, Locations(1, _NO_PARTS))
    if reader.problems:
        raise SpecError(list(reader.problems.values()))
    return Document(data, locations)


def too_large(file: str) -> Problem:
    return Problem(
        "",
        f"the file is larger than {MAX_BYTES // 1_000_000} MB",
        "keep data in files of its own and name them as a task's source",
        file,
    )


class _Reader:
    """Expands the node graph to plain data; collects every problem on the way."""

    def __init__(self, file: str, substitute: Callable[[str], str] | None) -> None:
        self.file = file
        self.substitute = substitute
        self.problems: dict[tuple[int, int, str], Problem] = {}

    def value(self, node: Node, path: _Path = None, line: int = 0) -> tuple[Any, Locations]:
        """The plain value of a node, and where its parts are."""
        line = line or node.line
        if isinstance(node, Scalar):
            return self._scalar(node, path), Locations(line, _NO_PARTS)
        self._refuse_tag(node, path)
        places: dict[str | int, Locations] = {}
        if not node.is_mapping:
            entries = []
            for i, child in enumerate(node.nodes):
                entry, places[i] = self.value(child, (path, i))
                entries.append(entry)
            return entries, Locations(line, places)
        fields = {}
        for name, (key, child) in self._pairs(node, path).items():
            fields[name], places[name] = self.value(child, (path, name), key.line)
        return fields, Locations(line, places)

    def _scalar(self, node: Scalar, path: _Path) -> Any:
        self._refuse_tag(node, path)
        try:
            text = self.substitute(node.text) if self.substitute else node.text
            return resolve_plain(text) if node.plain else text
        except ValueError as error:
            self._problem(node, path, str(error))
            return None

    def _pairs(self, node: Collection, path: _Path) -> dict[str, tuple[Node, Node]]:
        """Key and value nodes by key, merged mappings included, own keys first."""
        pairs: dict[str, tuple[Node, Node]] = {}
        merged: list[tuple[Scalar, Node]] = []
        for key, child in zip(node.nodes[::2], node.nodes[1::2], strict=True):
            name = self._key(key, path)
            if name is None:
                continue
            if name == "<<" and isinstance(key, Scalar) and key.plain:
                merged.append((key, child))
            elif name in pairs:
                first = pairs[name][0].line
                self._problem(
                    key, (path, name), f"is there twice, first in line {first}", "drop one"
                )
            else:
                pairs[name] = (key, child)
        for source in self._merge_sources(merged, path):
            for name, pair in self._pairs(source, path).items():
                pairs.setdefault(name, pair)
        return pairs

    def _merge_sources(
        self, merged: list[tuple[Scalar, Node]], path: _Path
    ) -> Iterator[Collection]:
        for key, node in merged:
            is_list = isinstance(node, Collection) and not node.is_mapping
            for source in node.nodes if isinstance(node, Collection) and is_list else [node]:
                if isinstance(source, Collection) and source.is_mapping:
                    yield source
                else:
                    self._problem(key, path, "'<<' merges mappings only", "write <<: *anchor")

    def _key(self, node: Node, path: _Path) -> str | None:
        if not isinstance(node, Scalar):
            self._problem(node, path, "a key must be text, not a list or a mapping")
            return None
        self._refuse_tag(node, path)
        if node.plain and node.text != "<<":
            try:
                is_text = isinstance(resolve_plain(node.text), str)
            except ValueError:
                is_text = False
            if not is_text:
                shown = node.text or "an empty key"
                hint = "put the key in quotes"
                self._problem(node, path, f"a key must be text, not {shown[:MAX_KEY]}", hint)
                return None
        if len(node.text) > MAX_KEY:
            self._problem(node, path, f"a key of {len(node.text)} characters")
            return None
        if self.substitute and "${" in node.text:
            self._problem(node, path, f"variables are not replaced in keys: {node.text}")
        return node.text

    def _refuse_tag(self, node: Scalar | Collection, path: _Path) -> None:
        if node.tag:
            tag = node.tag.replace("tag:yaml.org,2002:", "!!", 1)
            self._problem(node, path, f"tags are not read: {tag}", "leave it out")

    def _problem(self, node: Node, path: _Path, message: str, hint: str = "") -> None:
        at = (node.line, node.column)
        problem = Problem(_spell(path), message, hint, self.file, *at)
        self.problems.setdefault((*at, message), problem)
        if len(self.problems) >= MAX_PROBLEMS:
            raise SpecError(list(self.problems.values()))


def _spell(path: _Path) -> str:
    parts: list[str | int] = []
    while path:
        path, part = path
        parts.append(part)
    return spell_path(reversed(parts))
