"""Operations of derive by name: a function of typed arguments and a context."""

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import ValidationError

from clt_jobs.context import Context
from clt_operator.api.base import Record
from clt_operator.api.errors import InputError

Operation = Callable[[Any, Context], None]
Function = TypeVar("Function", bound=Operation)

_OPERATIONS: dict[str, tuple[type[Record], Operation]] = {}


def operation(name: str, arguments: type[Record]) -> Callable[[Function], Function]:
    """Registers an operation under a name, with the type of its arguments."""

    def register(function: Function) -> Function:
        _OPERATIONS[name] = (arguments, function)
        return function

    return register


def operation_names() -> list[str]:
    """The registered names, sorted."""
    return sorted(_OPERATIONS)


def run_operation(name: str, arguments: dict[str, Any], context: Context) -> None:
    """Checks the arguments and runs the operation.

    Raises InputError for an unknown operation or wrong arguments; it names the known ones.
    """
    found = _OPERATIONS.get(name)
    if found is None:
        close = get_close_matches(name, _OPERATIONS, n=1, cutoff=0)
        raise InputError(
            f"unknown operation {name!r}: did you mean {close[0]!r}? "
            f"known: {', '.join(operation_names())}"
        )
    model, function = found
    try:
        parsed = model.model_validate(arguments)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}"
            for e in error.errors(include_url=False)
        )
        known = ", ".join(model.model_fields)
        raise InputError(f"derive {name}: {wrong} (known arguments: {known})") from error
    function(parsed, context)
