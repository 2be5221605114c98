"""Every step kind: its typed parameters, registered by name.

The planner's core knows no kind; what a kind means is in its file here and in the package of
the same name in ``clt_jobs``.
"""

from typing import Any

from clt_operator.api.base import Params
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.collect import CollectParams
from clt_operator.api.kinds.derive import DeriveParams
from clt_operator.api.kinds.fetch import FetchParams
from clt_operator.api.kinds.generate import GenerateParams
from clt_operator.api.kinds.likelihood import LikelihoodParams
from clt_operator.api.kinds.prepare import PrepareParams
from clt_operator.api.kinds.report import ReportParams
from clt_operator.api.kinds.score import ScoreParams
from clt_operator.api.kinds.train import TrainParams

KINDS: dict[str, type[Params]] = {
    params.kind: params
    for params in (
        FetchParams,
        DeriveParams,
        PrepareParams,
        TrainParams,
        GenerateParams,
        LikelihoodParams,
        ScoreParams,
        CollectParams,
        ReportParams,
    )
}


def params_type(kind: str) -> type[Params] | None:
    """The parameters of a kind; plug-ins declare theirs as entry points ``clt.step_params``."""
    known = KINDS.get(kind)
    if known is None:
        from importlib.metadata import entry_points  # noqa: PLC0415 - only for plug-ins

        for entry in entry_points(group="clt.step_params", name=kind):
            loaded: type[Params] = entry.load()
            return loaded
    return known


def parse_params(kind: str, version: int, data: dict[str, Any]) -> Params:
    """The typed parameters of a stored step.

    Raises InputError where this installation does not implement that version of the kind:
    another try would end the same.
    """
    model = params_type(kind)
    if model is None:
        raise InputError(f"unknown step kind {kind!r}: known are {', '.join(sorted(KINDS))}")
    if model.version != version:
        raise InputError(
            f"step kind {kind} is at version {model.version} here, the step wants {version}: "
            f"run it with the release that planned it, or plan again with 'cltctl upgrade'"
        )
    return model.model_validate(data)
