"""Templates replace fields of a row, once, and reach nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clt_jobs.data.rows import Row
from clt_jobs.data.templates import NullField, render_prompt, render_response, substitute
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.prepare import Template

ROW = Row("r1", "i1", "es", prompt="siete más nueve", response="16", extra='{"hint":"suma"}')
SHOTS = [Row(f"s{n}", f"s{n}", "es", prompt=f"P{n}", response=f"R{n}") for n in (1, 2)]


def test_fields_of_the_row_and_its_extra_fields_are_replaced() -> None:
    template = Template(prompt="{hint}: {prompt} ?", response=" {response}")
    assert render_prompt(template, ROW) == "suma: siete más nueve ?"
    assert render_response(template, ROW) == " 16"


def test_worked_examples_come_first_each_followed_by_the_separator() -> None:
    template = Template(prompt="Q {prompt} A ", separator="|")
    assert render_prompt(template, ROW, shots=SHOTS) == "Q P1 A R1|Q P2 A R2|Q siete más nueve A "
    own = template.model_copy(update={"shot": "<{prompt}={response}>"})
    assert render_prompt(own, ROW, shots=SHOTS[:1]) == "<P1=R1>|Q siete más nueve A "


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))))
def test_text_of_a_row_is_never_interpreted(text: str) -> None:
    row = Row("r", "i", "en", prompt=text + "{response}{{", response="no")
    assert substitute("{prompt}", row) == text + "{response}{{"


def test_a_value_can_stand_in_for_a_field() -> None:
    assert substitute("= {answer}", ROW, answer="{prompt}") == "= {prompt}"


def test_doubled_braces_are_literal() -> None:
    assert substitute("{{{response}}}", ROW) == "{16}"


def test_an_unknown_field_is_named_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'promt'; row 'r1' has hint, id, item, .*prompt"):
        substitute("{promt}", ROW)


@pytest.mark.parametrize("text", ["{prompt.__class__}", "{prompt[0]}", "{prompt!r}", "{", "{}"])
def test_only_plain_names_are_understood(text: str) -> None:
    with pytest.raises(InputError):
        substitute(text, ROW)


def test_a_null_field_tells_what_is_missing() -> None:
    with pytest.raises(NullField) as caught:
        substitute("{answer}", ROW)
    assert caught.value.reason == "no answer"


class ChatTokenizer:
    chat_template = "…"

    def apply_chat_template(self, turns: Any, **options: Any) -> str:
        assert options == {"tokenize": False, "add_generation_prompt": True}
        return "".join(f"<{turn['role']}>{turn['content']}" for turn in turns) + "<assistant>"


def test_chat_wraps_the_whole_prompt_as_one_user_turn() -> None:
    template = Template(chat=True, separator="|")
    rendered = render_prompt(template, ROW, shots=SHOTS[:1], tokenizer=ChatTokenizer())
    assert rendered == "<user>P1R1|siete más nueve<assistant>"


def test_chat_without_a_chat_template_says_what_to_do() -> None:
    with pytest.raises(InputError, match="no chat template"):
        render_prompt(Template(chat=True), ROW, tokenizer=object())
