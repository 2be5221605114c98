"""How models are trained: settings that need each other."""

from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.api.spec.train import TrainSpec
from clt_operator.plan.check.findings import Findings


def check_training(spec: ExperimentSpec, findings: Findings) -> None:
    _train("spec.train", spec.train, findings)
    for at, stage in enumerate(spec.stages):
        if stage.train:
            _train(f"spec.stages[{at}].train", stage.train, findings)


def _train(path: str, train: TrainSpec, findings: Findings) -> None:
    if train.select != "last" and not train.validation_items:
        findings.add(
            f"{path}.select",
            f"{train.select!r} needs validation rows",
            "set validationItems above 0, or select: last",
        )
    if train.adapter and train.method != "adapter":
        findings.add(
            f"{path}.adapter", "full training has no adapter", "write method: adapter, or leave it"
        )
