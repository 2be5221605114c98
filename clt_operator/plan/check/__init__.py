"""Every mistake of a spec that its types cannot see, all found in one pass."""

from clt_operator.api.errors import Problem
from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.plan.check.contrasts import check_report
from clt_operator.plan.check.findings import Findings
from clt_operator.plan.check.languages import check_languages
from clt_operator.plan.check.models import check_models
from clt_operator.plan.check.size import check_size
from clt_operator.plan.check.sweeps import check_sweeps
from clt_operator.plan.check.tasks import check_tasks

MOST_RUNS = 1_000_000  # that one machine can plan


def check(spec: ExperimentSpec) -> list[Problem]:
    """Problems by field path; empty where the spec can be planned."""
    if too_large := check_size(spec, MOST_RUNS, "make several studies of it"):
        return too_large
    findings = Findings()
    check_languages(spec, findings)
    check_models(spec, findings)
    check_tasks(spec, findings)
    if not findings.problems:  # grids are expanded only over parts that make sense
        check_sweeps(spec, findings)
    if not findings.problems:  # contrasts are looked for among the grids' points
        check_report(spec, findings)
    return findings.problems
