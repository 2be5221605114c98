"""The JSON schemas of an experiment, of its status and of profiles, made from the types.

The types are structural: a field is a scalar, a list, a mapping or nothing, never a choice
between them, so that the same types can become a CRD. Only the parameters of plug-ins are
free-form.
"""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from clt_operator.api.profiles import Profiles
from clt_operator.api.spec import API_VERSION, Experiment
from clt_operator.api.status import ExperimentStatus

DRAFT = "https://json-schema.org/draft/2020-12/schema"


class _Untitled(GenerateJsonSchema):
    """Without the titles that pydantic makes of field names: they say nothing new."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


def model_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Pydantic's schema of a model as users write it, without titles."""
    return model.model_json_schema(by_alias=True, schema_generator=_Untitled)


def experiment_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of a spec as users write it, in camelCase."""
    return _schema(Experiment)


def status_schema() -> dict[str, Any]:
    """The schema of an experiment's status, in camelCase."""
    return _schema(ExperimentStatus)


def profiles_schema() -> dict[str, Any]:
    """The schema of a profiles file, in camelCase."""
    return _schema(Profiles)


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    schema = model_schema(model)
    definitions = schema.pop("$defs")
    for part in (schema, *definitions.values()):
        part.pop("title", None)
        for field in part.get("properties", {}).values():
            _tidy(field)
    head = {"$schema": DRAFT, "$id": f"https://{API_VERSION}/{model.__name__.lower()}.json"}
    return {**head, "title": model.__name__, **schema, "$defs": definitions}


def _tidy(field: dict[str, Any]) -> None:
    """Refuses keys that no pattern allows, as loading does; leaves a section's default to the
    defaults of its fields."""
    if "patternProperties" in field:
        field["additionalProperties"] = False
    if isinstance(field.get("default"), dict | None) and "$ref" in str(field):
        field.pop("default", None)
