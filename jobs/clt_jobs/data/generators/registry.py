"""Generators by name: a function of (language, arguments) that yields rows, and nothing else.

A generator is deterministic, and the items that it yields are the same in every language.
"""

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any, Protocol, TypeVar

from pydantic import ValidationError

from clt_jobs.data.rows import Row
from clt_operator.api.base import Record
from clt_operator.api.errors import InputError
from clt_operator.api.languages import Language, language

Arguments_contra = TypeVar("Arguments_contra", bound=Record, contravariant=True)


class GeneratorFunction(Protocol[Arguments_contra]):
    """``(language, arguments)`` to rows."""

    def __call__(self, spoken: Language, arguments: Arguments_contra) -> Iterator[Row]: ...


_GENERATORS: dict[str, tuple[type[Record], GeneratorFunction[Any]]] = {}


def generator(
    name: str, arguments: type[Record]
) -> Callable[[GeneratorFunction[Any]], GeneratorFunction[Any]]:
    """Registers a generator under a name, with the type of its arguments."""

    def register(function: GeneratorFunction[Any]) -> GeneratorFunction[Any]:
        _GENERATORS[name] = (arguments, function)
        return function

    return register


def generator_names() -> list[str]:
    """The registered names, sorted."""
    return sorted(_GENERATORS)


def generate(name: str, code: str, arguments: dict[str, Any]) -> Iterator[Row]:
    """Rows of a generator in one language.

    Raises InputError for an unknown generator, wrong arguments, or a language that the
    generator does not speak; each names what there is.
    """
    found = _GENERATORS.get(name)
    if found is None:
        close = get_close_matches(name, _GENERATORS, n=1, cutoff=0)
        raise InputError(
            f"unknown generator {name!r}: did you mean {close[0]!r}? "
            f"known: {', '.join(generator_names())}"
        )
    model, function = found
    try:
        parsed = model.model_validate(arguments)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False)
        )
        known = ", ".join(model.model_fields)
        raise InputError(f"generator {name}: wrong arguments: {wrong} (known: {known})") from error
    return function(language(code), parsed)
