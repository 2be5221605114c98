"""The Experiment that a user writes: one file per part of the spec."""

from clt_operator.api.spec.experiment import Experiment, ExperimentSpec, Metadata

API_VERSION = "clt.dev/v1alpha1"
KIND = "Experiment"

__all__ = ["API_VERSION", "KIND", "Experiment", "ExperimentSpec", "Metadata"]
