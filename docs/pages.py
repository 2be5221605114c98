"""Reference pages that are made from the code, so that they cannot fall behind it.

``python docs/pages.py`` writes them; a test fails when a committed page says anything else. The
reference of the spec has its own generator, ``clt_operator.api.reference``.
"""

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from clt_jobs.data.generators import spellable
from clt_jobs.metrics.records import Generation, Likelihood
from clt_jobs.metrics.registry import Metric, known
from clt_operator.api.kinds import KINDS
from clt_operator.api.languages import LANGUAGES, SPACELESS_SCRIPTS
from clt_operator.api.metrics import METRICS
from clt_operator.api.telemetry import SERIES, Where
from clt_operator.cli.main import VERBS, app

HERE = Path(__file__).parent
MADE = "Made from the code by `python docs/pages.py`.\n"

_FIELD = re.compile(r"^    (\w+): ([^=#]+?)(?: = ([^#]+?))?\s*(?:#\s*(.*))?$")
_LITERAL = re.compile(r"Literal\[([^\]]*)\]")
# Parts of a signature that follow the installation, not the code.
_VARIES = re.compile(r"(version|unicode):[^|]*")


def cli() -> str:
    """Every verb with its options, as ``--help`` prints them."""
    parts = [
        "# The command line\n",
        MADE,
        "Data goes to standard output, talk to standard error, so that `cltctl … | head` and "
        "`cltctl … -o json > file` do what they say. Colours and the live view appear on a "
        "terminal only. [Exit codes](exit-codes.md) say how a command ended.\n",
        "A command works on the cluster of the kubeconfig, or on a store alone where `--store`, "
        "`CLT_STORE` or `--local` says so ([which, and when](../how-to/run-on-a-cluster.md)). "
        "`CLT_SYSTEM_NAMESPACE` is where the operator is installed, `clt-system` unless it says "
        "otherwise. Names of experiments are completed by the shell (`cltctl completion`).\n",
    ]
    for verb in (module.__name__.rpartition(".")[2] for module in VERBS):
        shown = CliRunner().invoke(app, [verb, "--help"], env={"COLUMNS": "80"}).output
        parts.append(f"## cltctl {verb}\n\n```text\n{shown.strip()}\n```\n")
    return "\n".join(parts)


def kinds() -> str:
    """Every step kind: what it reads, writes and is parametrised by."""
    parts = [
        "# Step kinds\n",
        MADE,
        "A step's key is the hash of its kind, version, parameters and inputs "
        "([a study is a build](../explanation/a-study-is-a-build.md)). Users never write these "
        "parameters: `plan` makes them from the [spec](spec.md), and `cltctl describe NAME KEY` "
        "shows those of a step. Hints do not enter the key.\n",
    ]
    for kind, params in KINDS.items():
        module = sys.modules[params.__module__]
        parts.append(f"## {kind}\n\nVersion {params.version}.\n\n{_prose(module.__doc__)}\n")
        own = [c for _, c in inspect.getmembers(module, inspect.isclass) if _is_of(c, module)]
        for record in sorted(own, key=lambda c: (c is not params, _line_of(c))):
            parts.append("\n".join(_fields(record, is_main=record is params)) + "\n")
    return "\n".join(parts)


def _is_of(found: type, module: Any) -> bool:
    return bool(found.__module__ == module.__name__)


def _line_of(found: type) -> int:
    return inspect.getsourcelines(found)[1]


def _fields(record: type, *, is_main: bool) -> Iterator[str]:
    """A table of the fields of a record; their comments in the source say what they mean."""
    rows = [m.groups() for line in inspect.getsource(record).splitlines() if (m := _match(line))]
    if not is_main:
        yield f"### {record.__name__}\n"
    doc = record.__dict__.get("__doc__") or ""
    if doc and not doc.startswith(f"{record.__name__}("):  # a dataclass describes itself
        yield _prose(doc) + "\n"
    yield "| parameter | type | default | meaning |"
    yield "| --- | --- | --- | --- |"
    for name, kind, default, comment in rows:
        shown = "required" if default is None else _default(default)
        cells = (f"`{name}`", _type(kind), shown, (comment or "").replace("``", "`"))
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _match(line: str) -> re.Match[str] | None:
    found = _FIELD.match(line)
    return None if found and found[2].startswith("ClassVar") else found


def _type(kind: str) -> str:
    literal = _LITERAL.fullmatch(kind)
    if literal:
        return ", ".join(f"`{value.strip().strip(chr(34))}`" for value in literal[1].split(","))
    return f"`{kind}`"


def _default(default: str) -> str:
    if default in ("[]", "{}", '""') or default.startswith("field("):
        return ""
    return "that of its fields" if default.endswith("()") else f"`{default}`"


def series() -> str:
    """Every series that Prometheus may read."""
    return "\n".join(
        [
            "# Series for Prometheus\n",
            MADE,
            "How to scrape, dashboards and alerts: [watch runs](../how-to/monitor-runs.md). The "
            "metrics of tasks are [another page](task-metrics.md). Units are base units: seconds, "
            "bytes, ratios from 0 to 1. Labels hold names that a spec declares, kinds and phases, "
            "never a key or a text.\n",
            "## Of the operator\n",
            "`namespace` and `experiment` are those of the experiment, not of the operator: scrape "
            "with `honor_labels`.\n",
            *_series("operator"),
            _JOB_SERIES,
            *_series("job"),
            _FIGURES,
        ]
    )


_JOB_SERIES = """\
## Of the pods of Jobs

A runner listens on the port named `metrics` (9464, `CLT_METRICS_PORT`) while it works, and
nowhere on a run of one's own machine, where that variable is not set. Beside these series it
shows those that `prometheus_client` knows of a process (`process_…`, `python_…`). Of the pods of
one training, the first speaks for all; the others tell of their own memory and requests.

A scrape adds `namespace`, `pod`, `experiment` (the experiment that made the Job: of several that
share it, the first) and `kind` (of its steps). All else that is known of the step at work is in
`clt_run_info` of the same pod, with an empty value where it does not apply. Join the two:

```promql
sum by (namespace, experiment, model, mix, k) (
  rate(clt_train_tokens_total[5m])
    * on (namespace, pod) group_left (model, mix, k, seed) clt_run_info
)
```

Gauges are those of the step at work: they go when the runner takes up the next step of its Job,
and `clt_run_info` is replaced. Counters go on.
"""

_FIGURES = """\
## What remains when a pod ends

Each attempt, also one that failed, leaves figures in its [outcome](store-layout.md): tokens and
supervised tokens by language, bytes and retries of the store, whether it went on from a saved
state, whether its loss was not finite, seconds of training by part, and what else it counted. The
operator adds them up in the series `clt_ended_…`. A pod that was killed or whose node went away
leaves none; what it had computed since its last save is computed again, and counted, by the next
attempt.
"""


def _series(where: Where) -> Iterator[str]:
    yield "| series | type | labels | meaning |\n| --- | --- | --- | --- |"
    for one in SERIES:
        if one.where == where:
            labels = ", ".join(f"`{label}`" for label in one.labels)
            yield f"| `{one.name}` | {one.type} | {labels} | {one.help} |"
    yield ""


def metrics() -> str:
    """Every metric that a spec may name."""
    found = known()
    parts = [
        "# Metrics of tasks\n",
        MADE,
        "The first metric of a task is its primary one. `generate` metrics score answers, "
        "`likelihood` metrics score log-probabilities; a cell is generated or scored once for "
        "all metrics that read the same records. Every score file carries the metric's "
        "signature, which names the choices behind it. Arguments are set with "
        "`tasks[].metricArguments`. What *ratio* means for a report is in "
        "[decision 10](../decisions/0010-metric-scales.md).\n",
        "Whatever the metric, a score step also tells of each generated answer whether it is in a "
        "script of its language: `told` counts those with enough letters to tell, "
        "`wrong_language` those of them in another script. Languages of one script are not told "
        "apart, and no score changes with it "
        "([decision 18](../decisions/0018-wrong-language-by-script.md)).\n",
        "| metric | reads | unit | ratio scale |\n| --- | --- | --- | --- |",
    ]
    for name, info in METRICS.items():
        ratio = "yes" if info.ratio_scale else "no"
        parts.append(f"| [`{name}`](#{name}) | {info.records} | {info.unit} | {ratio} |")
    parts.append("")
    for name in METRICS:
        parts.append("\n".join(_metric(found[name])))
    return "\n".join(parts)


def _metric(found: Metric) -> Iterator[str]:
    module = import_module(found.function.__module__)
    yield f"## {found.name}\n"
    yield f"Version {found.version}. {_prose(inspect.getdoc(found.function))}\n"
    if more := (module.__doc__ or "").partition("\n\n")[2].strip():
        yield _prose(more) + "\n"
    doc = found.arguments.__dict__.get("__doc__")
    if doc and found.arguments.model_fields:
        yield _prose(doc) + "\n"
    if found.arguments.model_fields:
        yield "| argument | type | default |\n| --- | --- | --- |"
        for name, field in found.arguments.model_fields.items():
            kind = str(field.annotation).removeprefix("typing.").replace("'", '"')
            plain = field.annotation.__name__ if isinstance(field.annotation, type) else kind
            yield f"| `{name}` | {_type(plain)} | `{field.default!r}` |"
        yield ""
    yield f"Signature in English: `{_signature(found)}`\n"


def _signature(found: Metric) -> str:
    if found.needs == "likelihood":
        record: Any = Likelihood("a", -1.0, (-2.0,), gold="1", options=("2",))
    else:
        record = Generation("a", "1", answer="1", response="1")
    return _VARIES.sub(r"\1:…", found.score([record], "en").signature)


def languages() -> str:
    """Every language and what each convention calls it."""
    parts = [
        "# Languages\n",
        MADE,
        "A spec may use any of these spellings; results show the one that it used. Case does not "
        "matter, nor does `_` for `-`. An unknown code is an error that names the nearest one. "
        "`no` is Norwegian, in YAML too. *Words*: the built-in `number-words` tasks speak it. "
        "*Spaces*: the script puts spaces between words.\n",
        "| code | name | ISO 639-1 | ISO 639-3 | macro | script | FLORES | XL-Sum | mBART | "
        "URIEL | words | spaces |",
        "|" + " --- |" * 12,
    ]
    words = set(spellable())
    for entry in LANGUAGES:
        conventions = (entry.iso1, entry.iso3, entry.macro, entry.script, entry.flores)
        more = (entry.xlsum, entry.mbart, entry.uriel)
        flags = (entry.code in words, entry.script not in SPACELESS_SCRIPTS)
        cells = (f"`{entry.code}`", entry.name, *conventions, *more)
        parts.append(f"| {' | '.join((*cells, *('yes' if flag else '' for flag in flags)))} |")
    return "\n".join(parts) + "\n"


def _prose(text: str | None) -> str:
    """A docstring as Markdown: plain back quotes, hanging definitions as a list."""
    lines = inspect.cleandoc(text or "").replace("``", "`").splitlines()
    made: list[str] = []
    in_list = False
    for at, line in enumerate(lines):
        hangs = line.startswith(" " * 8)
        starts = line.startswith("`") and lines[at + 1 : at + 2] and lines[at + 1][:8].isspace()
        if bool(starts or hangs) != in_list and made and made[-1]:
            made.append("")
        in_list = bool(starts or hangs)
        made.append(f"- {line}" if starts else f"  {line.lstrip()}" if hangs else line)
    return "\n".join(made)


PAGES: dict[str, Callable[[], str]] = {
    "reference/cli.md": cli,
    "reference/kinds.md": kinds,
    "reference/metrics.md": series,
    "reference/task-metrics.md": metrics,
    "reference/languages.md": languages,
}


def main() -> None:
    for name, make in PAGES.items():
        (HERE / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
