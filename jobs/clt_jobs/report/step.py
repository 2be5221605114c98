"""The report step: collected scores in; tables, one page and a summary out.

Nothing but the inputs and the parameters reaches an output: no clock, no host, no order of a
directory. The same key gives the same bytes.
"""

from collections import Counter

from clt_jobs.context import Context
from clt_jobs.report.accounts import read_accounts
from clt_jobs.report.collected import read_collected
from clt_jobs.report.curves import build_curves
from clt_jobs.report.page import render_page
from clt_jobs.report.results import Results, compute, write_tables
from clt_jobs.report.summary import summary_of, text_of
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.report import ReportParams
from clt_operator.api.report_summary import FILE


def report(params: ReportParams, context: Context) -> None:
    """Reads ``scores`` and ``cells``; writes ``tables``, ``page`` and ``summary``."""
    results = results_of(params, context)
    write_tables(results, context.output("tables"))
    page = render_page(
        results,
        context.key,
        lambda done, total: context.progress(done=total + done, total=2 * total),
    )
    (context.output("page") / "report.html").write_text(page, encoding="utf-8")
    summary = summary_of(results)
    (context.output("summary") / FILE).write_text(text_of(summary), encoding="utf-8")
    context.summarise(
        cells=summary["cells"],
        missing=summary["missing"],
        curves=len(results.curves),
        verdicts=dict(sorted(Counter(row.verdict for row in results.headline).items())),
    )


def results_of(params: ReportParams, context: Context) -> Results:
    """Everything the report says, before it is written.

    Raises InputError where the collection has none of the report's points.
    """
    collected = read_collected(context.input("scores"), context.input("cells"))
    curves = build_curves(params, collected)
    if not curves:
        raise InputError(
            "none of the report's points has a cell among the collected ones: the step reads a "
            "collection of another study; plan again"
        )
    return compute(
        params,
        curves,
        read_accounts(context),
        lambda done, total: context.progress(done=done, total=2 * total),
    )
