"""Templates: a row becomes the text of a prompt and of a response.

``{field}`` names a field of the row (prompt, response, answer, … or a key of its extra fields),
by the rules of column templates (``clt_jobs.fetch.columns``). Substitution is one pass: text that
comes from a row is never read again, so braces in data mean nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from clt_jobs.data.rows import Row
from clt_jobs.fetch.columns import BadRow, ColumnTemplate, parse_template
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.prepare import Template

_parsed = lru_cache(maxsize=256)(parse_template)


class NullField(InputError):
    """A row has no value where its template needs one; ``reason`` is what is counted."""

    def __init__(self, row: Row, field: str) -> None:
        self.reason = f"no {field}"
        super().__init__(f"row {row.id!r} has no {field}, which the template needs")


def substitute(text: str, row: Row, **replaced: str) -> str:
    """``text`` with every ``{field}`` replaced; ``replaced`` overrides fields of the row.

    Raises InputError that names an unknown field and the known ones, NullField (also an
    InputError) for a field that is null.
    """
    template = _parsed(text)
    fields = {**_fields(row), **replaced}
    for name in template.columns:
        if name not in fields:
            raise InputError(
                f"template {text!r} names field {name!r}; row {row.id!r} has {', '.join(fields)}"
            )
        if fields[name] is None:
            raise NullField(row, name)
    return _rendered(template, fields, row)


def render_response(template: Template, row: Row) -> str:
    """The supervised text of a row. Raises as ``substitute``."""
    return substitute(template.response, row)


def render_prompt(
    template: Template, row: Row, *, shots: Sequence[Row] = (), tokenizer: Any = None
) -> str:
    """The text before the response: worked examples, each followed by the separator, then the
    row's own prompt.

    With ``template.chat`` the whole is one user turn of the tokenizer's chat template with the
    generation prompt added; such text holds its special tokens already (encode it with
    ``chat=True``). Raises as ``substitute``.
    """
    examples = [_worked_example(template, shot) + template.separator for shot in shots]
    text = "".join(examples) + substitute(template.prompt, row)
    if not template.chat:
        return text
    if getattr(tokenizer, "chat_template", None) is None:
        raise InputError(
            "template.chat is set, but the model's tokenizer has no chat template: "
            "use an instruction-tuned model, or write the turns into template.prompt"
        )
    turns = [{"role": "user", "content": text}]
    return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def _worked_example(template: Template, row: Row) -> str:
    if template.shot:
        return substitute(template.shot, row)
    return substitute(template.prompt, row) + substitute(template.response, row)


def _fields(row: Row) -> dict[str, Any]:
    """The row's own fields, then its extra ones; an own field hides an extra of that name."""
    own = asdict(row)
    extra = own.pop("extra")
    return {**(json.loads(extra) if extra else {}), **own}


def _rendered(template: ColumnTemplate, fields: dict[str, Any], row: Row) -> str:
    try:
        return template.render(fields) or ""
    except BadRow as error:
        raise InputError(f"row {row.id!r}: {error}") from error
