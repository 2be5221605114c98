"""Typed records as JSON objects in the store.

JSON has no NaN or infinity: they are written as the strings "NaN", "Infinity", "-Infinity",
so that a diverged loss stays visible and no reader of the file breaks.
"""

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from clt_operator.api.base import Record
from clt_operator.api.errors import StoreError
from clt_operator.store.protocol import ObjectNotFound, ObjectStore

T = TypeVar("T", bound=Record)

JSON_OBJECT: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


def encode(value: Record | dict[str, Any]) -> bytes:
    """Compact UTF-8 JSON in the order of the record's fields."""
    plain = value.model_dump() if isinstance(value, Record) else value
    return to_json(plain, inf_nan_mode="strings")


def read(store: ObjectStore, name: str, record: type[T]) -> T | None:
    """The record stored under a name, or None. Raises StoreError where it is damaged."""
    try:
        return record.model_validate_json(store.get(name))
    except ObjectNotFound:
        return None
    except ValidationError as error:
        raise _damaged(store, name, error) from error


def read_object(store: ObjectStore, name: str) -> dict[str, Any] | None:
    """The JSON object stored under a name, or None. Raises StoreError where it is damaged."""
    try:
        return JSON_OBJECT.validate_json(store.get(name))
    except ObjectNotFound:
        return None
    except ValidationError as error:
        raise _damaged(store, name, error) from error


def _damaged(store: ObjectStore, name: str, error: ValidationError) -> StoreError:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return StoreError(
        f"{name} in {store.uri} cannot be read ({place + ': ' if place else ''}{first['msg']}): "
        "it was damaged or written by another version; remove it and apply again"
    )
