"""The profiles file of an installation, and what a namespace may use of it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Annotated, Literal, TypeVar

from pydantic import Field, ValidationError

from clt_operator.api.base import SpecModel
from clt_operator.api.errors import Problem, SpecError
from clt_operator.api.profiles.entries import (
    EndpointProfile,
    ExtraAnnotation,
    ExtraLabel,
    LabelValue,
    Limits,
    ObjectRef,
    PoolProfile,
    PriorityProfile,
    Profile,
    StoreProfile,
    label_value,
)
from clt_operator.api.profiles.settings import Settings, gang_problem, unknown_pool
from clt_operator.api.profiles.sources import check_sources
from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.api.spec.names import Name
from clt_operator.api.spec_problems import nearest_or_all, problems_of, shown
from clt_operator.api.yaml import read_yaml

SECTIONS = ("train", "evaluate", "data", "report")  # of spec.compute

_Entry = TypeVar("_Entry", bound=Profile)


class Profiles(SpecModel):
    """What the platform team defines once: ``profiles.yaml`` of a ConfigMap."""

    stores: dict[Name, StoreProfile] = Field(
        {}, max_length=200, description="Where results are kept."
    )
    pools: dict[Name, PoolProfile] = Field({}, max_length=200, description="Nodes of one sort.")
    endpoints: dict[Name, EndpointProfile] = Field(
        {}, max_length=200, description="Hubs and judges."
    )
    image: str = Field(
        "clt-jobs",
        min_length=1,
        max_length=512,
        description="Image of steps whose spec names none.",
    )
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = Field(
        "IfNotPresent", description="When a node fetches an image."
    )
    image_pull_secrets: list[ObjectRef] = Field(
        [], max_length=16, description="Secrets in the experiment's namespace for its registry."
    )
    images: list[Annotated[str, Field(max_length=512)]] = Field(
        ["*"],
        max_length=100,
        description="Images that a spec may name, as patterns: what runs there holds the "
        "credentials of the store.",
    )
    queue: LabelValue = Field(
        "", description="Queue (Kueue) of Jobs for which neither spec nor pool names one."
    )
    priorities: dict[Name, PriorityProfile] = Field(
        {}, max_length=50, description="Priorities by step kind, such as report or train."
    )
    limits: Limits = Field(Limits(), description="Bounds of one experiment.")
    labels: dict[ExtraLabel, LabelValue] = Field(
        {}, max_length=16, description="Further labels of all Jobs and pods."
    )
    annotations: dict[ExtraAnnotation, Annotated[str, Field(max_length=1024)]] = Field(
        {}, max_length=16, description="Further annotations of all Jobs and pods."
    )
    currency: str = Field("", max_length=16, description="Currency of all prices.")

    @staticmethod
    def parse(text: str, origin: str = "") -> "Profiles":
        """The profiles of a file; an empty one defines none.

        Raises SpecError with every problem, each at its line of ``origin``.
        """
        document = read_yaml(text, origin)
        data = {} if document.data is None else document.data
        if not isinstance(data, dict):
            message = f"profiles are a mapping, this holds {shown(data)}"
            raise SpecError([Problem("", message, "start it with 'stores:'", origin, 1)])
        try:
            return Profiles.model_validate(data, strict=True, by_alias=True, by_name=False)
        except ValidationError as error:
            raise SpecError(
                [
                    replace(problem, file=origin, line=document.locations.line_of(problem.path))
                    for problem in problems_of(error, Profiles)
                ]
            ) from None

    def check(
        self, namespace: str, spec: ExperimentSpec, queues: Collection[str] | None = None
    ) -> list[Problem]:
        """Everything for which a spec cannot run in this namespace, at its field.

        ``queues`` are the queues of the namespace; None: not known.
        """
        return [
            *self._check_store(namespace, spec),
            *self._check_compute(namespace, spec, queues),
        ]

    def for_experiment(self, namespace: str, spec: ExperimentSpec) -> Settings:
        """What the spec gets. Raises SpecError with everything that ``check`` finds."""
        if problems := self.check(namespace, spec):
            raise SpecError(problems)
        name = spec.store or self._default_store(namespace)
        hub_name, hub = self._endpoint(namespace, "hub")
        return Settings(
            image=self.image,
            namespace=namespace,
            store=self.stores[name].within(namespace),
            store_name=name,
            pools=_open(self.pools, namespace),
            queue=self.queue,
            hub_secret=hub.secret if hub else "",
            hub_address=hub.address if hub else "",
            hub_name=hub_name,
            image_pull_policy=self.image_pull_policy,
            image_pull_secrets=tuple(self.image_pull_secrets),
            priorities=self.priorities,
            labels=self.labels,
            annotations=self.annotations,
            currency=self.currency,
        )

    def _default_store(self, namespace: str) -> str:
        """The first default of those that the namespace may use, or the only one; '': none."""
        stores = _open(self.stores, namespace)
        defaults = [name for name, store in stores.items() if store.default]
        if defaults:
            return defaults[0]
        return next(iter(stores)) if len(stores) == 1 else ""

    def _endpoint(self, namespace: str, kind: str) -> tuple[str, EndpointProfile | None]:
        """The first default of its kind that the namespace may use, else the first; its name."""
        endpoints = _open(self.endpoints, namespace)
        found = [name for name, endpoint in endpoints.items() if endpoint.kind == kind]
        name = next((name for name in found if endpoints[name].default), "".join(found[:1]))
        return name, endpoints.get(name)

    def _check_store(self, namespace: str, spec: ExperimentSpec) -> list[Problem]:
        path = "spec.store"
        stores = _open(self.stores, namespace)
        name = spec.store or self._default_store(namespace)
        if not stores:
            return [
                Problem(
                    path,
                    f"namespace '{namespace}' may use no store",
                    "ask the platform team for one in the profiles",
                )
            ]
        if not name:
            listed = nearest_or_all("", sorted(stores))
            return [Problem(path, "names no store, and none is the default", listed)]
        if name in stores:
            return check_sources(spec, stores[name].within(namespace))
        if name in self.stores:
            return [_closed(path, "store", name, namespace, stores)]
        if "://" in name or "/" in name:
            same = [n for n, s in stores.items() if s.within(namespace).uri.rstrip("/") == name]
            hint = f"write {same[0]}" if same else nearest_or_all("", sorted(stores))
            return [Problem(path, "on a cluster a spec names a store by its profile", hint)]
        return [Problem(path, f"no store is called '{name}'", nearest_or_all(name, sorted(stores)))]

    def _check_compute(
        self, namespace: str, spec: ExperimentSpec, queues: Collection[str] | None
    ) -> Iterator[Problem]:
        compute = spec.compute
        pools = _open(self.pools, namespace)
        if compute.queue:
            yield from _check_queue(compute.queue, queues)
        for section in SECTIONS:
            path, resources = f"spec.compute.{section}", getattr(compute, section)
            pool = pools.get(resources.pool, PoolProfile())
            if resources.pool and resources.pool not in pools:
                if resources.pool in self.pools:
                    yield _closed(f"{path}.pool", "pool", resources.pool, namespace, pools)
                else:
                    yield unknown_pool(f"{path}.pool", resources.pool, pools)
            if pool.max_gpus and resources.gpus > pool.max_gpus:
                yield Problem(
                    f"{path}.gpus",
                    f"{resources.gpus} are more than the {pool.max_gpus} that a node of pool "
                    f"'{resources.pool}' has",
                    "ask for fewer, or use several nodes",
                )
            if resources.nodes > 1 and not (compute.queue or pool.queue or self.queue):
                yield gang_problem(f"{path}.nodes", resources.nodes)
            if resources.image and not any(fnmatchcase(resources.image, p) for p in self.images):
                hint = f"allowed: {', '.join(self.images[:5])}" if self.images else "leave it out"
                yield Problem(
                    f"{path}.image", f"image {shown(resources.image)} is not allowed here", hint
                )


def _open(profiles: Mapping[str, _Entry], namespace: str) -> dict[str, _Entry]:
    """Those that a namespace may use."""
    return {name: entry for name, entry in profiles.items() if entry.open_to(namespace)}


def _closed(
    path: str, what: str, name: str, namespace: str, allowed: Mapping[str, object]
) -> Problem:
    hint = f"it may use: {', '.join(sorted(allowed)[:12])}" if allowed else "it may use none"
    return Problem(path, f"namespace '{namespace}' may not use {what} '{name}'", hint)


def _check_queue(name: str, queues: Collection[str] | None) -> Iterator[Problem]:
    try:
        label_value(name)
    except ValueError as error:
        yield Problem("spec.compute.queue", str(error))
        return
    if queues is not None and name not in queues:
        hint = nearest_or_all(name, sorted(queues))
        yield Problem(
            "spec.compute.queue",
            f"no queue is called '{name}'",
            hint or "the namespace has none: ask the platform team for a LocalQueue",
        )
