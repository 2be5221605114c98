"""Experiments on a cluster, as plain objects: make them, wait for them, read what they say."""

import copy
from collections.abc import Callable
from typing import Any

from cluster.harness.client import Client, Json
from cluster.harness.waiting import until
from support.studies import small_quickstart

GROUP, VERSION, PLURAL = "clt.dev", "v1alpha1", "experiments"
LONG = 180.0  # seconds; of a study of stub steps on a busy machine


class Experiments:
    """The experiments of one namespace."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self.namespace = namespace
        self.path = f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{PLURAL}"

    def create(self, spec: Json, name: str = "study") -> Json:
        """``spec`` is a whole document as a user writes it, or just its ``spec``."""
        return self._client.create(self.path, manifest(spec, name, self.namespace))

    def get(self, name: str = "study") -> Json:
        return self._client.get(f"{self.path}/{name}")

    def change(self, spec: Json, name: str = "study") -> Json:
        """Merges fields into the spec."""
        return self._client.patch(f"{self.path}/{name}", {"spec": spec})

    def delete(self, name: str = "study") -> None:
        self._client.delete(f"{self.path}/{name}")

    def status(self, name: str = "study") -> Json:
        return dict(self.get(name).get("status", {}))

    def condition(self, kind: str, name: str = "study") -> Json:
        """One condition of the status; empty where it is not there."""
        found = self.status(name).get("conditions", [])
        return next((c for c in found if c["type"] == kind), {})

    def wait(
        self,
        kind: str = "Complete",
        value: str = "True",
        *,
        reason: str = "",
        name: str = "study",
        seconds: float = LONG,
    ) -> Json:
        """Waits for a condition (with a reason), and returns the status."""

        def there() -> Json | None:
            condition = self.condition(kind, name)
            right = condition.get("status") == value and reason in ("", condition.get("reason"))
            assert right, self.status(name)
            return self.status(name)

        return until(there, seconds, what=f"{name} is {kind}={value} {reason}".strip())

    def wait_status(
        self, test: Callable[[Json], bool], *, name: str = "study", seconds: float = LONG
    ) -> Json:
        """Waits for a status that passes the test, and returns it."""

        def there() -> Json | None:
            status = self.status(name)
            assert test(status), status
            return status

        return until(there, seconds, what=f"the status of {name}")


def manifest(document: Json, name: str, namespace: str) -> Json:
    """An Experiment object of a spec, whether it came with its envelope or without."""
    spec = document.get("spec", document)
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "Experiment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": copy.deepcopy(spec),
    }


def small_study(pool: str = "cpu", **changes: Any) -> Json:
    """The spec of a whole small study (some 100 steps of every kind) on a pool.

    ``changes`` replace fields of the spec: ``seeds=[0]`` makes it smaller, ``seeds=[0, 1, 2]``
    larger.
    """
    spec: Json = small_quickstart()["spec"]
    spec.setdefault("compute", {})
    for section in ("train", "evaluate", "data", "report"):
        spec["compute"].setdefault(section, {})["pool"] = pool
    spec.update(changes)
    return spec
