"""Templates: a row becomes the text of a prompt and of a response.

``{field}`` names a field of the row (prompt, response, answer, … or a key of its extra
fields). Substitution is one pass of plain replacement: text that comes from a row is never
read again, so braces in data mean nothing, and no template can reach an attribute.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from clt_operator.api.kinds.prepare import Template

if TYPE_CHECKING:
    from clt_jobs.data.rows import Row


def substitute(text: str, row: "Row", **replaced: str) -> str:
    """``text`` with every ``{field}`` replaced; ``replaced`` overrides fields of the row.

    Raises InputError that names an unknown field and the known ones.
    """
    raise NotImplementedError


def render_response(template: Template, row: "Row") -> str:
    """The supervised text of a row."""
    raise NotImplementedError


def render_prompt(
    template: Template, row: "Row", *, shots: Sequence["Row"] = (), tokenizer: Any = None
) -> str:
    """The text before the response: worked examples, separators, then the row's own prompt.

    With ``template.chat`` the whole is one user turn of the tokenizer's chat template with
    the generation prompt added; such text has its special tokens already.
    """
    raise NotImplementedError
