"""The references of spec, status and profiles in Markdown, made from their schemas.

``python -m clt_operator.api.reference > docs/reference/spec.md`` writes the first, with the word
``status`` or ``profiles`` another; a test fails when a committed file says anything else.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from clt_operator.api.schema import experiment_schema, profiles_schema, status_schema
from clt_operator.api.spec.names import LANGUAGE_PATTERN, NAME_PATTERN, OBJECT_NAME_PATTERN
from clt_operator.api.status import CONDITIONS, KEY_PATTERN, PHASES, TIME_PATTERN

HEAD = """\
# Reference of the spec

Made from the types by `python -m clt_operator.api.reference`; `cltctl schema` prints the same as
a JSON schema for editors. Unknown fields are refused. YAML is read by 1.2 rules: `no` is text,
`1e-5` a number, a key that is there twice an error. `${NAME}` in a value is replaced by what
`--var NAME=...` gives, `$${` stands for a plain `${`; without quotes the result is read like any
other value, so that a variable can be a number.
"""

PROFILES_HEAD = """\
# Reference of profiles

Made from the types by `python -m clt_operator.api.reference profiles`. This is the file
`profiles.yaml` in the ConfigMap `clt-profiles`, written by the platform team
([how to](../how-to/stores-pools-queues.md)); a spec names what is defined here. Every field is
optional unless it says so; an empty file is valid, though nothing can run without a store. Unknown
fields are refused, YAML is read by 1.2 rules.
"""

STATUS_HEAD = """\
# Reference of the status

Made from the types by `python -m clt_operator.api.reference status`. The operator writes the
status of an Experiment for people and tools: `kubectl get experiments` shows its columns,
`cltctl describe` puts it into sentences, `cltctl wait` waits for a condition. It is small whatever
the study's size, and nothing is driven by it: one that is lost is written again. A field that says
nothing is left out.
"""

_SCALARS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
}
_PATTERNS = {
    NAME_PATTERN: "name",
    OBJECT_NAME_PATTERN: "name",
    LANGUAGE_PATTERN: "language code",
    TIME_PATTERN: "time (RFC 3339)",
    KEY_PATTERN: "SHA-256",
}
_COUNTABLE = ("whole number", "number", "name", "language code")
_NO_BOUND = 10**9  # a maximum from here on only guards against absurd values


@dataclass(frozen=True)
class _Section:
    """One model: the places where it can stand, the most natural one first."""

    schema: dict[str, Any]
    places: list[str]
    root: str

    @property
    def title(self) -> str:
        return self.places[0] or self.root

    @property
    def link(self) -> str:
        kept = [c for c in self.title.lower() if c.isalnum() or c in "-_"]
        return f"[{self.title}](#{''.join(kept)})"


_Sections = dict[str, _Section]


def reference() -> str:
    """The page of the spec."""
    return _page(HEAD, experiment_schema())


def profiles_reference() -> str:
    """The page of profiles."""
    return _page(PROFILES_HEAD, profiles_schema())


def status_reference() -> str:
    """The page of the status: its phases, conditions with their reasons, and fields."""
    head = "\n".join([STATUS_HEAD, *_phases(), *_conditions()])
    return _page(head, status_schema(), "status")


def _phases() -> Iterator[str]:
    yield "## Phases\n"
    yield "One word for the whole, in `status.phase`; the conditions say more.\n"
    yield from _table(("phase", "meaning"), ((f"`{name}`", text) for name, text in PHASES.items()))


def _conditions() -> Iterator[str]:
    yield "## Conditions\n"
    yield (
        "Each is `True`, `False` or `Unknown`, with a reason for programs and a message for "
        "people, and names the generation of the spec that it is about.\n"
    )
    for name, (meaning, reasons) in CONDITIONS.items():
        yield f"### {name}\n\n{meaning}\n"
        rows = ((f"`{reason}`", text) for reason, text in reasons.items())
        yield from _table(("reason", "meaning"), rows)


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for cells in (titles, ["---"] * len(titles), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
    yield ""


def _page(head: str, schema: dict[str, Any], place: str = "") -> str:
    """``place`` is where the schema stands in an object; empty for the whole object."""
    root = schema["title"]
    models = {root: schema, **schema["$defs"]}
    found = list(_walk(models, root, place))
    sections = {
        name: _Section(models[name], sorted((p for n, p in found if n == name), key=_depth), root)
        for name in dict.fromkeys(name for name, _ in found)
    }
    order = [sections[name] for name, place in found if sections[name].places[0] == place]
    return "\n".join([head, *("\n".join(_section(section, sections)) for section in order)])


def _walk(models: dict[str, Any], name: str, path: str) -> Iterator[tuple[str, str]]:
    """Every place of every model, depth first in the order of the spec."""
    yield name, path
    for field, schema in models[name]["properties"].items():
        for suffix, target in _targets(schema):
            yield from _walk(models, target, f"{path}.{field}{suffix}".removeprefix("."))


def _depth(place: str) -> int:
    return place.count(".") + place.count("[")


def _targets(schema: dict[str, Any], suffix: str = "") -> Iterator[tuple[str, str]]:
    """The models that a field refers to, each with what follows the field's name."""
    if "$ref" in schema:
        yield suffix, _name(schema)
    for option in schema.get("anyOf", ()):
        yield from _targets(option, suffix)
    if "items" in schema:
        yield from _targets(schema["items"], f"{suffix}[]")
    if isinstance(value := _value(schema), dict):
        yield from _targets(value, f"{suffix}.NAME")


def _section(section: _Section, sections: _Sections) -> Iterator[str]:
    yield f"## {section.title}\n"
    if len(section.places) > 1:
        yield f"Also {', '.join(f'`{place}`' for place in section.places[1:])}.\n"
    if text := section.schema.get("description"):
        yield " ".join(text.replace("``", "`").split()) + "\n"
    required = section.schema.get("required", [])
    rows = (
        (
            f"`{field}`",
            _type(part, sections),
            "required" if field in required else _default(part),
            part.get("description", ""),
        )
        for field, part in section.schema["properties"].items()
    )
    yield from _table(("field", "type", "default", "meaning"), rows)


def _name(schema: dict[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _type(schema: dict[str, Any], sections: _Sections) -> str:
    """The type of a field in words."""
    match schema:
        case {"$ref": _}:
            words = sections[_name(schema)].link
        case {"anyOf": options}:
            words = next(_type(o, sections) for o in options if o.get("type") != "null")
        case {"enum": values}:
            words = ", ".join(f"`{value}`" for value in values)
        case {"const": value}:
            words = f"`{value}`"
        case {"type": "array", "items": entry}:
            words = f"list of {_plural(_type(entry, sections))}"
        case {"type": "object"}:
            words = _mapping(schema, sections)
        case {"type": scalar}:
            words = _PATTERNS.get(schema.get("pattern", ""), _SCALARS[scalar]) + _bounds(schema)
        case _:
            words = "anything"
    return words


def _value(schema: dict[str, Any]) -> dict[str, Any] | None:
    """The schema of a mapping's values; None where they are free."""
    values = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
    return next((value for value in values if isinstance(value, dict)), None)


def _plural(words: str) -> str:
    noun, comma, bounds = words.partition(",")
    return f"{noun}s{comma}{bounds}" if noun in _COUNTABLE else words


def _mapping(schema: dict[str, Any], sections: _Sections) -> str:
    value = _value(schema)
    if value is None:
        return "mapping, free-form"
    return f"mapping of names to {_plural(_type(value, sections))}"


def _bounds(schema: dict[str, Any]) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [
        f"{sign} {schema[name]:,}"
        for name, sign in signs.items()
        if name in schema and abs(schema[name]) < _NO_BOUND
    ]
    return f", {', '.join(bounds)}" if bounds else ""


def _default(schema: dict[str, Any]) -> str:
    default = schema.get("default")
    return "" if default in (None, "", [], {}) else f"`{json.dumps(default, ensure_ascii=False)}`"


if __name__ == "__main__":
    PAGES = {"spec": reference, "status": status_reference, "profiles": profiles_reference}
    print(PAGES[sys.argv[1] if sys.argv[1:] else "spec"](), end="")
