"""The custom resource definition of an Experiment, made from the types.

What the types refuse, the API server refuses at admission; what needs two fields to be seen is
refused there in the words of ``clt_operator.plan.check``, as far as the budget of CEL allows.
The rest is told by the operator: ``Accepted=False``.
"""

from clt_operator.api.crd.definition import crd

__all__ = ["crd"]
