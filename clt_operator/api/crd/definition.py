"""The definition around the schema: names, columns, subresources."""

from typing import Any

from clt_operator.api.crd.rules import RULES, key_rule
from clt_operator.api.crd.structural import Extras, Schema, structural
from clt_operator.api.schema import model_schema
from clt_operator.api.spec import API_VERSION, KIND, Experiment
from clt_operator.api.status import ExperimentStatus

PLURAL, SINGULAR = "experiments", "experiment"
SHORT_NAMES = ("clt", "cltexp")
CATEGORIES = ("clt",)  # not "all": kubectl delete all --all would end studies
ABOUT = "An Experiment is one controlled study of cross-lingual transfer."

# How two writers share a list under server-side apply. What has a name is merged by it: a second
# writer may add a sweep. Every other list is one value: a second writer gets a conflict instead of
# a list that is in nobody's file.
LISTS = {
    "ExperimentSpec.models": "map",
    "ExperimentSpec.tasks": "map",
    "ExperimentSpec.stages": "map",
    "ExperimentSpec.sweeps": "map",
    "ReportSpec.contrasts": "map",
    "ExperimentStatus.conditions": "map type",
    "ExperimentStatus.counts": "map kind",
}

COLUMNS = (
    ("Phase", ".status.phase", "Where the experiment stands.", 0),
    ("Done", ".status.done", "Committed of needed steps.", 0),
    ("Failed", ".status.failed", "Steps that used up their attempts.", 0),
    ("Progress", ".status.progress", "Share of needed steps.", 0),
    ("ETA", ".status.eta", "Time left at the present pace.", 0),
    ("Runs", ".status.runs", "Points of all sweeps.", 1),
    ("GPU-hours", ".status.gpuHours", "GPU-hours spent.", 1),
    ("Store", ".status.storeUri", "Where artifacts are.", 1),
    ("Reason", '.status.conditions[?(@.type=="Accepted")].reason', "Why accepted or not.", 1),
)


def crd() -> dict[str, Any]:
    """The CustomResourceDefinition (apiextensions.k8s.io/v1)."""
    group, version = API_VERSION.split("/")
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{PLURAL}.{group}",
            "labels": {
                "app.kubernetes.io/name": "clt",
                "app.kubernetes.io/part-of": "clt",
            },
        },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": SINGULAR,
                "shortNames": list(SHORT_NAMES),
                "categories": list(CATEGORIES),
            },
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": object_schema()},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": _columns(),
                }
            ],
        },
    }


def object_schema() -> Schema:
    """The schema of the whole object: what users write, and the status."""
    written = structural(model_schema(Experiment), "Experiment", Extras(RULES, LISTS, key_rule))
    told = Extras(lists=LISTS, tell_defaults=False)
    status = structural(model_schema(ExperimentStatus), "ExperimentStatus", told)
    fields = written["properties"]
    name = {"type": "string", **_bounds_of_name(fields["metadata"])}
    properties = {
        "apiVersion": {"type": "string", "description": f"Always {API_VERSION}.", "maxLength": 64},
        "kind": {"type": "string", "description": f"Always {KIND}.", "maxLength": 64},
        "metadata": {"type": "object", "properties": {"name": name}},
        "spec": fields["spec"],
        "status": status,
    }
    return {"type": "object", "description": ABOUT, "required": ["spec"], "properties": properties}


def _bounds_of_name(metadata: Schema) -> Schema:
    """The other fields of metadata are the API server's own."""
    name: Schema = metadata["properties"]["name"]
    return {key: name[key] for key in ("maxLength", "minLength", "pattern") if key in name}


def _columns() -> list[dict[str, Any]]:
    columns: list[dict[str, Any]] = [
        {
            "name": name,
            "type": "integer" if name in ("Failed", "Runs") else "string",
            "description": description,
            "jsonPath": path,
            **({"priority": priority} if priority else {}),
        }
        for name, path, description, priority in COLUMNS
    ]
    age = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
    first_wide = next(at for at, column in enumerate(columns) if "priority" in column)
    return [*columns[:first_wide], age, *columns[first_wide:]]
