"""Experiments as the API server keeps them, read into our types."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from clt_operator.api.errors import SpecError
from clt_operator.api.requests import VARIABLES, annotation
from clt_operator.api.spec import Experiment
from clt_operator.api.spec_problems import problems_of


def typed(item: Mapping[str, Any]) -> Experiment:
    """The Experiment of an API object. Raises SpecError with everything its types refuse."""
    meta = item["metadata"]
    data = {
        "apiVersion": item.get("apiVersion"),
        "kind": item.get("kind"),
        "metadata": {"name": meta["name"], "namespace": meta.get("namespace", "default")},
        "spec": item.get("spec") or {},
    }
    try:
        return Experiment.model_validate(data, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        raise SpecError(problems_of(error, Experiment)) from None


def variables(item: Mapping[str, Any]) -> dict[str, str]:
    """What the command line put into the spec when it was applied; nothing where that note was
    spoiled by hand."""
    written = annotation(item, VARIABLES)
    try:
        found = json.loads(written) if written else {}
    except (ValueError, RecursionError):
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}
