"""What the types refuse, in the words of the spec instead of pydantic's.

Every error becomes one Problem: the path as the user writes it (camelCase), what is wrong with
the value that is there, and what to write instead.
"""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from clt_operator.api.errors import Problem
from clt_operator.api.spec.names import LANGUAGE_PATTERN, NAME_PATTERN, OBJECT_NAME_PATTERN
from clt_operator.api.yaml import spell_path

MAX_LISTED = 12  # known names in a hint
MAX_HINTED = 1_000  # problems that get a nearest name: finding one is slow
MAX_SHOWN = 60  # characters of a value

PATTERNS = {
    NAME_PATTERN: "letters, digits, '-', '_' and '.', with a letter or digit at both ends",
    OBJECT_NAME_PATTERN: "small letters, digits, '-' and '.', a letter or digit at both ends",
    LANGUAGE_PATTERN: "a language code such as en or zh-Hant",
}

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping of fields",
}

_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def shown(value: Any) -> str:
    """A value for a message: its kind and, where short, itself."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value!r}"
        case str():
            return f"'{value}'" if len(value) <= MAX_SHOWN else f"'{value[:MAX_SHOWN]}…'"
        case list():
            return "a list"
    return "a mapping"


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known word; empty where none is near."""
    lowered = {name.lower().replace("_", ""): name for name in known}
    close = get_close_matches(word.lower().replace("_", ""), lowered, n=1, cutoff=0.6)
    return f"did you mean '{lowered[close[0]]}'?" if close else ""


def nearest_or_all(word: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known word, or all of them where they are few."""
    words = list(known)
    listed = f"known: {', '.join(words)}" if 0 < len(words) <= MAX_LISTED else ""
    return nearest(word, words) or listed


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Every refusal of ``model`` as a problem without file and line."""
    details = error.errors(include_url=False)
    return [
        _problem(detail, model, hinted=position < MAX_HINTED)
        for position, detail in enumerate(details)
    ]


def _problem(detail: ErrorDetails, model: type[BaseModel], hinted: bool) -> Problem:
    parts = detail["loc"]
    if parts and parts[-1] == "[key]":
        message, hint = _message(detail)
        return Problem(spell_path(parts[:-1]), f"as a name, {message}", hint)
    path = spell_path(parts)
    if detail["type"] == "extra_forbidden":
        fields = _fields(model, parts[:-1])
        return Problem(
            path, "unknown field", nearest_or_all(str(parts[-1]), fields) if hinted else ""
        )
    if detail["type"] == "missing":
        field = _fields(model, parts[:-1]).get(str(parts[-1]))
        return Problem(path, "is required", (field.description or "") if field else "")
    message, hint = _message(detail)
    return Problem(path, message, hint)


def _message(detail: ErrorDetails) -> tuple[str, str]:
    """What is wrong with a value, and what to do about it."""
    kind, value, limits = detail["type"], detail["input"], detail.get("ctx", {})
    if kind in _WANTED:
        if value is None:
            return f"has no value, must be {_WANTED[kind]}", "write one, or leave the field out"
        return f"must be {_WANTED[kind]}, is {shown(value)}", _TYPE_HINTS[kind](value)
    if kind in _BOUNDS:
        limit, words = _BOUNDS[kind]
        return f"must be {words} {limits[limit]:,}, is {value!r}", ""
    describe = _WORDS.get(kind)
    if describe:
        return describe(value, limits)
    return detail["msg"][:1].lower() + detail["msg"][1:], ""


def _literal(value: Any, limits: dict[str, Any]) -> tuple[str, str]:
    allowed = [word.strip("'") for word in limits["expected"].replace(" or ", ", ").split(", ")]
    hint = nearest(value, allowed) if isinstance(value, str) else ""
    return f"is {shown(value)}, must be one of: {', '.join(allowed)}", hint


def _form(value: Any, limits: dict[str, Any]) -> tuple[str, str]:
    pattern = limits["pattern"]
    return f"{shown(value)} is not of the form: {PATTERNS.get(pattern, pattern)}", ""


def _too_short(value: Any, limits: dict[str, Any]) -> tuple[str, str]:
    least = limits["min_length"]
    return f"must have at least {least} {_units(value, least)}, has {len(value)}", ""


def _too_long(value: Any, limits: dict[str, Any]) -> tuple[str, str]:
    most = limits["max_length"]
    return f"must have at most {most:,} {_units(value, most)}, has {len(value):,}", ""


def _units(value: Any, count: int) -> str:
    if isinstance(value, str):
        return "character" if count == 1 else "characters"
    return "entry" if count == 1 else "entries"


_WORDS: dict[str, Callable[[Any, dict[str, Any]], tuple[str, str]]] = {
    "literal_error": _literal,
    "string_pattern_mismatch": _form,
    "string_too_short": _too_short,
    "too_short": _too_short,
    "string_too_long": _too_long,
    "too_long": _too_long,
    "value_error": lambda _, limits: (str(limits["error"]), ""),
}


def _number_hint(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return f"write {int(value)}"
    if isinstance(value, str) and value.replace(".", "", 1).isdigit():
        return "remove the quotes"
    return ""


def _list_hint(value: Any) -> str:
    return f"write [{value}]" if isinstance(value, str | int | float) else ""


_TYPE_HINTS: dict[str, Callable[[Any], str]] = {
    "string_type": lambda value: "put it in quotes" if not isinstance(value, list | dict) else "",
    "int_type": _number_hint,
    "float_type": _number_hint,
    "bool_type": lambda _: "write true or false",
    "list_type": _list_hint,
    "dict_type": lambda _: "",
    "model_type": lambda _: "",
}


def _fields(model: type[BaseModel], parts: tuple[int | str, ...]) -> dict[str, FieldInfo]:
    """The fields, by the name that a user writes, of the model found at a location."""
    here: Any = model
    for part in parts:
        here = _strip(here)
        if isinstance(here, type) and issubclass(here, BaseModel):
            field = fields_of(here).get(str(part))
            here = field.annotation if field else None
        else:
            arguments = get_args(here)  # of a list or a mapping: the last one is its values
            here = arguments[-1] if arguments else None
    here = _strip(here)
    return fields_of(here) if isinstance(here, type) and issubclass(here, BaseModel) else {}


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a model by the name that a user writes."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _strip(annotation: Any) -> Any:
    """The type inside of Annotated[…] and … | None."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, UnionType):
            annotation = next(a for a in get_args(annotation) if a is not NoneType)
        elif origin is Literal:
            return None
        else:
            return annotation
