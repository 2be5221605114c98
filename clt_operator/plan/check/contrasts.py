"""The report: contrasts and baselines that the sweeps really have."""

from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.plan.check.findings import Findings
from clt_operator.plan.sweeps import points_of

GROUPS = ("nonpivot", "seen", "unseen", "all")


def check_report(spec: ExperimentSpec, findings: Findings) -> None:
    """Needs sweeps that can be expanded. Only runs that are no control are compared."""
    report = spec.report
    findings.unique("spec.report.contrasts", [contrast.name for contrast in report.contrasts])
    if not report.contrasts:
        return
    sweeps = {
        sweep.name: {point.k for point in points_of(spec, sweep) if not point.control}
        for sweep in spec.sweeps
    }
    baseline = report.baseline.samples_per_language
    if not any(baseline in ks for ks in sweeps.values()):
        findings.add(
            "spec.report.baseline.samplesPerLanguage",
            f"no sweep has the baseline k={baseline}",
            "add it to samplesPerLanguage of the sweeps that are compared",
        )
    for at, contrast in enumerate(report.contrasts):
        path = f"spec.report.contrasts[{at}]"
        k = contrast.at.samples_per_language
        groups = (*GROUPS, *spec.languages.evaluate)
        findings.known(f"{path}.languages", contrast.languages, groups, "group or language")
        if k == baseline:
            findings.add(f"{path}.at.samplesPerLanguage", f"k={k} is the baseline itself")
            continue
        if contrast.sweep and not findings.known(f"{path}.sweep", contrast.sweep, sweeps, "sweep"):
            continue
        searched = [sweeps[contrast.sweep]] if contrast.sweep else list(sweeps.values())
        if not any(k in ks for ks in searched):
            has = sorted({value for ks in searched for value in ks})
            findings.add(
                f"{path}.at.samplesPerLanguage",
                f"no run has k={k}",
                f"the sweep has {', '.join(map(str, has[:12]))}",
            )
        elif not any({k, baseline} <= ks for ks in searched):
            findings.add(
                f"{path}.at.samplesPerLanguage",
                f"no sweep has both k={k} and the baseline k={baseline}",
                "add the baseline to samplesPerLanguage of the sweep",
            )
