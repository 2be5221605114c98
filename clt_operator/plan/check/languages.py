"""Languages: known codes, no language twice, mixes without the pivot."""

from collections.abc import Sequence

from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.plan.check.findings import Findings

PATH = "spec.languages"


def check_languages(spec: ExperimentSpec, findings: Findings) -> None:
    languages = spec.languages
    findings.language(f"{PATH}.pivot", languages.pivot)
    for name, mix in languages.mixes.items():
        path = f"{PATH}.mixes.{name}"
        if not mix:
            findings.add(path, "the mix is empty", "list at least one language beside the pivot")
        _listed(path, mix, findings)
        if languages.pivot in mix:
            findings.add(
                path,
                f"the pivot {languages.pivot!r} is in the mix",
                "the pivot always has its rows (pivotSamples); take it out",
            )
    _listed(f"{PATH}.evaluate", languages.evaluate, findings)
    if languages.pivot not in languages.evaluate:
        findings.add(
            f"{PATH}.evaluate",
            f"the pivot {languages.pivot!r} is not evaluated",
            "add it: scores relative to the pivot need it",
        )


def _listed(path: str, codes: Sequence[str], findings: Findings) -> None:
    for at, code in enumerate(codes):
        findings.language(f"{path}[{at}]", code)
    findings.unique(path, codes, "")
