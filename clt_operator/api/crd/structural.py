"""From pydantic's JSON schema to the structural schema that Kubernetes takes.

Definitions are inlined, a choice with null becomes ``nullable``, patterns of names become rules
(CEL), exclusive bounds booleans. Defaults are told in descriptions and set nowhere: an object
stays as its user wrote it, the lock holds what was resolved.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Schema = dict[str, Any]

_COPIED = (
    "type",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minimum",
    "maximum",
)
_EXCLUSIVE = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
_UNDERSTOOD = frozenset(
    {
        *_COPIED,
        *_EXCLUSIVE,
        "$ref",
        "additionalProperties",
        "anyOf",
        "const",
        "default",
        "description",
        "items",
        "patternProperties",
        "properties",
        "propertyNames",
        "required",
        "title",
    }
)
_BARE = re.compile(r"[\w.-]+")  # a default that reads well without quotes
_UNTYPED: Schema = {"x-kubernetes-preserve-unknown-fields": True}


class NotStructural(ValueError):
    """A type that no structural schema can say."""


@dataclass(frozen=True)
class Extras:
    """What types cannot say, by ``Type`` or ``Type.field``: rules of CEL, and for a list how two
    writers share it: ``set``, ``map`` (by name) or ``map FIELD``, else ``atomic``."""

    rules: Mapping[str, Sequence[Schema]] = field(default_factory=dict)
    lists: Mapping[str, str] = field(default_factory=dict)
    key_rule: Callable[[str, int, int], Schema] | None = None  # pattern, least and most characters
    tell_defaults: bool = True


def structural(schema: Schema, name: str, extras: Extras) -> Schema:
    """The schema of a model by pydantic (with its ``$defs``) as a structural one.

    Raises NotStructural where a type refers to itself, is a choice of types, or says something
    for which there is no counterpart.
    """
    return _Inliner(schema.get("$defs", {}), extras).model(schema, name, ())


class _Inliner:
    def __init__(self, definitions: Mapping[str, Schema], extras: Extras) -> None:
        self._definitions, self._extras = definitions, extras

    def model(self, schema: Schema, name: str, outer: tuple[str, ...]) -> Schema:
        """A model by its definition; ``outer`` are the models that it is inside of."""
        if name in outer:
            raise NotStructural(f"{' > '.join((*outer, name))}: a type inside of itself")
        inside = (*outer, name)
        made: Schema = {"type": "object"}
        if text := schema.get("description"):
            made["description"] = _prose(text)
        if required := schema.get("required"):
            made["required"] = list(required)
        made["properties"] = {
            key: self.node(part, f"{name}.{key}", inside)
            for key, part in schema.get("properties", {}).items()
        }
        return self._ruled(made, name)

    def node(self, schema: Schema, place: str, outer: tuple[str, ...]) -> Schema:
        """A field, an entry of a list or a value of a mapping."""
        if unknown := schema.keys() - _UNDERSTOOD:
            raise NotStructural(f"{place}: {', '.join(sorted(unknown))}")
        if "anyOf" in schema:
            return self._optional(schema, place, outer)
        if "$ref" in schema:
            return self._reference(schema, place, outer)
        made = {key: schema[key] for key in _COPIED if key in schema}
        for key, bound in _EXCLUSIVE.items():
            if key in schema:
                made |= {bound: schema[key], key: True}
        if "const" in schema:
            made["enum"] = [schema["const"]]
        if not made.get("type"):
            return {**self._described(schema), **_UNTYPED}
        match made["type"]:
            case "array":
                made["items"] = self.node(schema["items"], f"{place}[]", outer)
                made |= self._list_type(place)
            case "object":
                made |= self._mapping(schema, place, outer)
        return self._ruled({**self._described(schema), **made}, place)

    def _optional(self, schema: Schema, place: str, outer: tuple[str, ...]) -> Schema:
        options = [option for option in schema["anyOf"] if option != {"type": "null"}]
        if len(options) != 1 or len(schema["anyOf"]) != 2:
            raise NotStructural(f"{place}: a choice of types")
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        return {**self.node({**options[0], **rest}, place, outer), "nullable": True}

    def _reference(self, schema: Schema, place: str, outer: tuple[str, ...]) -> Schema:
        name = schema["$ref"].rpartition("/")[2]
        made = self.model(self._definitions[name], name, outer)
        texts = (schema.get("description"), made.get("description"))
        if said := " ".join(_prose(text) for text in texts if text):
            made = {"description": said, **{k: v for k, v in made.items() if k != "description"}}
        return self._ruled(made, place)

    def _described(self, schema: Schema) -> Schema:
        """The description, with the default where it says something."""
        text, default = _prose(schema.get("description", "")), schema.get("default")
        if self._extras.tell_defaults and default not in (None, "", [], {}):
            bare = isinstance(default, str) and _BARE.fullmatch(default)
            shown = default if bare else json.dumps(default, ensure_ascii=False)
            text = f"{text} Default: {shown}.".strip()
        return {"description": text} if text else {}

    def _list_type(self, place: str) -> Schema:
        kind, _, key = self._extras.lists.get(place, "atomic").partition(" ")
        keys = {"x-kubernetes-list-map-keys": [key or "name"]} if kind == "map" else {}
        return {"x-kubernetes-list-type": kind, **keys}

    def _mapping(self, schema: Schema, place: str, outer: tuple[str, ...]) -> Schema:
        patterned = schema.get("patternProperties", {})
        if len(patterned) > 1:
            raise NotStructural(f"{place}: names of several patterns")
        pattern, value = next(iter(patterned.items()), ("", schema.get("additionalProperties")))
        if not isinstance(value, dict) or not value:
            return dict(_UNTYPED)
        made: Schema = {"additionalProperties": self.node(value, f"{place}.*", outer)}
        bounds = schema.get("propertyNames", {})
        if self._extras.key_rule and _visible(made["additionalProperties"]):
            if "maxLength" not in bounds:
                raise NotStructural(f"{place}: names of any length")
            rule = self._extras.key_rule(pattern, bounds.get("minLength", 0), bounds["maxLength"])
            made["x-kubernetes-validations"] = [rule]
        return made

    def _ruled(self, made: Schema, place: str) -> Schema:
        rules = self._extras.rules.get(place, ())
        if not rules:
            return made
        return {
            **made,
            "x-kubernetes-validations": [*made.get("x-kubernetes-validations", ()), *rules],
        }


def _visible(schema: Schema) -> bool:
    """Whether CEL can see a value: one without a type, and what holds such values, it cannot."""
    if schema.get("type") == "array":
        return _visible(schema["items"])
    return "type" in schema


def _prose(text: str) -> str:
    return " ".join(text.replace("``", "'").split())
