"""Types become a structural schema, or it is said which cannot."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from clt_operator.api.base import SpecModel
from clt_operator.api.crd.structural import Extras, NotStructural, structural
from clt_operator.api.schema import model_schema

Word = Annotated[str, Field(pattern="^[a-z]+$", min_length=1, max_length=8)]
PLAIN = Extras()
RULE = {"rule": "self.a < self.b", "message": "a is below b"}


def made(extras=PLAIN, **fields):
    """The schema of a model with these fields; a field is (annotation, Field)."""
    body = {name: field for name, (_, field) in fields.items()}
    annotations = {name: annotation for name, (annotation, _) in fields.items()}
    model = type("Model", (SpecModel,), {**body, "__annotations__": annotations, "__doc__": None})
    return structural(model_schema(model), "Model", extras)["properties"]


class Inner(SpecModel):
    """Says ``what`` it is."""

    name: Word = Field(description="A name.")


class Nested(SpecModel):
    inner: list["Nested"] = Field([], max_length=2)


def test_definitions_are_inlined_with_both_descriptions():
    assert made(part=(Inner, Field(description="The part."))) == {
        "part": {
            "description": "The part. Says 'what' it is.",
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {
                    "description": "A name.",
                    "type": "string",
                    "pattern": "^[a-z]+$",
                    "minLength": 1,
                    "maxLength": 8,
                }
            },
        }
    }


def test_what_may_be_missing_is_nullable():
    part = made(part=(Inner | None, Field(None, description="A part.")))["part"]
    assert part["nullable"]
    assert part["type"] == "object"
    assert part["description"] == "A part. Says 'what' it is."


def test_exclusive_bounds_are_booleans():
    rate = made(rate=(float, Field(gt=0, lt=1)))["rate"]
    assert rate == {
        "type": "number",
        "minimum": 0,
        "exclusiveMinimum": True,
        "maximum": 1,
        "exclusiveMaximum": True,
    }


@pytest.mark.parametrize(
    ("annotation", "default", "text"),
    [
        (int, 3, "It. Default: 3."),
        (bool, False, "It. Default: false."),
        (float, 1e-5, "It. Default: 1e-05."),
        (str, "4Gi", "It. Default: 4Gi."),
        (str, "{prompt}\n", 'It. Default: "{prompt}\\n".'),
        (str, "", "It."),
        (list[str], [], "It."),
        (list[int], [0], "It. Default: [0]."),
    ],
)
def test_a_default_is_told_and_not_set(annotation, default, text):
    field = made(field=(annotation, Field(default, description="It.")))["field"]
    assert field["description"] == text
    assert "default" not in field


def test_a_single_choice_is_an_enum():
    assert made(kind=(Literal["x"], Field()))["kind"] == {"type": "string", "enum": ["x"]}


def test_names_of_a_mapping_become_a_rule():
    def key_rule(pattern, least, most):
        return {"rule": f"{pattern} {least} {most}"}

    mapping = made(Extras(key_rule=key_rule), m=(dict[Word, int], Field({}, max_length=3)))["m"]
    assert mapping == {
        "type": "object",
        "maxProperties": 3,
        "additionalProperties": {"type": "integer"},
        "x-kubernetes-validations": [{"rule": "^[a-z]+$ 1 8"}],
    }


def test_parameters_of_plug_ins_are_kept_as_they_are():
    free = made(
        p=(dict[Word, Any], Field({}, max_length=3)), v=(list[Any], Field([], max_length=3))
    )
    kept = {"x-kubernetes-preserve-unknown-fields": True}
    assert free["p"] == {"type": "object", "maxProperties": 3, **kept}
    assert free["v"]["items"] == kept


def test_a_list_is_one_value_unless_said_otherwise():
    lists = {"Model.b": "set", "Model.c": "map", "Model.d": "map type"}
    field = (list[Word], Field([], max_length=3))
    parts = made(Extras(lists=lists), a=field, b=field, c=field, d=field)
    kinds = [parts[name]["x-kubernetes-list-type"] for name in "abcd"]
    assert kinds == ["atomic", "set", "map", "map"]
    assert parts["c"]["x-kubernetes-list-map-keys"] == ["name"]
    assert parts["d"]["x-kubernetes-list-map-keys"] == ["type"]


def test_rules_stand_at_their_type_wherever_it_is_used():
    rules = {"Inner": [RULE], "Model.b": [{"rule": "true"}], "Inner.name": [{"rule": "false"}]}
    parts = made(Extras(rules=rules), a=(Inner, Field()), b=(Inner, Field()))
    assert parts["a"]["x-kubernetes-validations"] == [RULE]
    assert parts["b"]["x-kubernetes-validations"] == [RULE, {"rule": "true"}]
    assert parts["a"]["properties"]["name"]["x-kubernetes-validations"] == [{"rule": "false"}]


def test_a_type_inside_of_itself_is_told():
    with pytest.raises(NotStructural, match="Model > Nested > Nested: a type inside of itself"):
        made(part=(Nested, Field()))


def test_a_choice_of_types_is_told():
    with pytest.raises(NotStructural, match=r"Model\.part: a choice of types"):
        made(part=(int | str, Field()))


def test_a_keyword_without_a_counterpart_is_told():
    with pytest.raises(NotStructural, match=r"Model\.part: multipleOf"):
        made(part=(int, Field(multiple_of=3)))


def test_names_without_a_bound_are_told():
    extras = Extras(key_rule=lambda *_: {})
    with pytest.raises(NotStructural, match=r"Model\.part: names of any length"):
        made(extras, part=(dict[str, int], Field()))
