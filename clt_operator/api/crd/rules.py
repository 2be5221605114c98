"""Rules that need two values to be seen, in CEL, with the words of ``clt_operator.plan.check``.

A rule stands at the type whose values it compares, or at ``Type.field`` (``[]``: an entry). Only
what fits the API server's budget of costs is here, and only what stays true under every release
of the operator: which metrics and languages there are is the operator's to say. Features of
Kubernetes 1.31 and older; a section that may be null is asked for by ``_given``.
"""

from collections.abc import Iterable
from typing import Any

from clt_operator.api.spec.names import MODEL_SCHEMES, ROW_SCHEMES
from clt_operator.api.spec_problems import PATTERNS

Schema = dict[str, Any]

_CONTROLS = ("", "pivot_matched", "equal_steps", "token_matched")
_COUNTED = ("token_matched", "equal_steps")  # controls that need mixtures counted in samples
_HUB_FIELDS = ("revision", "config", "split")
_GROUPS = ("nonpivot", "seen", "unseen", "all")


def key_rule(pattern: str, least: int, most: int) -> Schema:
    """The names of a mapping have a form and a length: no value, of which a schema could say it."""
    sized = f"k.size() >= {least} && k.size() <= {most}"
    if not pattern:
        return _rule(f"self.all(k, {sized})", f"a name must have {least} to {most} characters")
    return _rule(
        f"self.all(k, k.matches('{pattern}') && {sized})",
        f"a name is not of the form: {PATTERNS[pattern]}; or it has more than {most} characters",
        f"as a name, '%s' is not of the form: {PATTERNS[pattern]}",
        f"self.filter(k, !k.matches('{pattern}'))[0]",
    )


def _rule(
    rule: str, message: str, shown: str = "", *values: str, at: str = "", reason: str = ""
) -> Schema:
    """``shown`` is the message with ``%s`` for values, by expressions; ``message`` stands in where
    these fail. ``at`` is the field that is blamed."""
    made = {"rule": rule, "message": message}
    if shown:
        made["messageExpression"] = f'"{shown}".format([{", ".join(values)}])'
    if at:
        made["fieldPath"] = at
    if reason:
        made["reason"] = reason
    return made


def _words(values: Iterable[str]) -> str:
    return "[" + ", ".join(f"'{value}'" for value in values) + "]"


def _or(field: str, default: str, of: str = "self") -> str:
    """The value of an optional field."""
    return f"(has({of}.{field}) ? {of}.{field} : {default})"


def _given(path: str) -> str:
    """Whether a section that may be null is there."""
    return f"(has({path}) && {path} != null)"


def _filled(path: str) -> str:
    return f"(has({path}) && {path}.size() > 0)"


def _once(shown: str = "%s") -> Schema:
    """No value twice; ``shown`` is ``%d`` for numbers."""
    once = "self.exists_one(y, x == y)"
    return _rule(
        f"self.all(x, {once})",
        "a value is used twice",
        f"'{shown}' is used twice",
        f"self.filter(x, !{once})[0]",
    )


def _only(scheme: str, field: str, empty: str, message: str) -> Schema:
    """A field that only sources of one scheme have."""
    return _rule(
        f"self.source.startsWith('{scheme}:') || !has(self.{field}) || self.{field} == {empty}",
        message,
        at=f".{field}",
    )


def _elsewhere(within: str) -> Schema:
    """A source that a cluster can read; ``within`` says which can."""
    return _rule(
        within,
        "the source is on one machine, which a cluster cannot read",
        "'%s' is on one machine, which a cluster cannot read",
        "self.source",
        at=".source",
    )


def _mapped(role: str, fields: tuple[str, ...], when: str = "true") -> Schema:
    """Fields of a row that a part cannot do without have a column, except in a generator."""
    part = f"self.{role}"
    there = f"(has({part}.columns) && f in {part}.columns)"
    exempt = f"!{_given(part)} || {part}.source.startsWith('generator:') || !{when}"
    return _rule(
        f"{exempt} || {_words(fields)}.all(f, {there})",
        "no column is mapped to a field that is needed",
        "no column is mapped to '%s'",
        f"{_words(fields)}.filter(f, !{there})[0]",
        at=f".{role}",
    )


def _all_known(what: str, lists: str, field: str, known: str, *, mapped: bool = False) -> Schema:
    """Every name in ``field`` of every entry of a list is one of ``known``: a list of names, or a
    mapping."""
    strays = f"e.{field}.filter(n, !(n in {known}))"
    if mapped:  # each form is within the budget where the other is not
        there = f"e.{field}.all(n, n in {known})"
        first = f"{lists}.map(e, has(e.{field}) ? {strays} : []).filter(e, e.size() > 0)[0][0]"
    else:
        there = f"sets.contains({known}, e.{field})"
        first = f"{lists}.filter(e, has(e.{field}) && !{there})[0].{strays.removeprefix('e.')}[0]"
    return _rule(
        f"!has({lists}) || {lists}.all(e, !has(e.{field}) || {there})",
        f"no {what} is called so",
        f"no {what} is called '%s'",
        first,
        at=lists.removeprefix("self"),
    )


def _all_trained(lists: str) -> Schema:
    """Tasks that are trained on have rows to train on."""
    bare = f"self.tasks.filter(t, !{_given('t.train')}).map(t, t.name)"
    stray = f"has(e.tasks) && sets.intersects({bare}, e.tasks)"
    return _rule(
        f"!has({lists}) || !{lists}.exists(e, {stray})",
        "a task has no training rows",
        "task '%s' has no training rows",
        f"{lists}.filter(e, {stray})[0].tasks.filter(n, n in {bare})[0]",
        at=lists.removeprefix("self"),
    )


def _each_known(what: str, names: str, known: str, at: str, when: str = "true") -> Schema:
    """Every one of ``names`` is known; ``known`` is a test of n."""
    return _rule(
        f"!({when}) || {names}.all(n, {known})",
        f"no {what} is called so",
        f"no {what} is called '%s'",
        f"{names}.filter(n, !({known}))[0]",
        at=at,
    )


_LANGUAGES = (
    _rule("self.mixes.all(m, self.mixes[m].size() > 0)", "the mix is empty", at=".mixes"),
    _rule(
        "self.mixes.all(m, !(self.pivot in self.mixes[m]))",
        "the pivot is in the mix",
        "the pivot '%s' is in the mix",
        "self.pivot",
        at=".mixes",
    ),
    _rule(
        "self.pivot in self.evaluate",
        "the pivot is not evaluated",
        "the pivot '%s' is not evaluated",
        "self.pivot",
        at=".evaluate",
    ),
)

_MODEL = (
    _rule(
        f"self.source.matches('^({'|'.join(MODEL_SCHEMES)}):.')",
        "that is no model source",
        "'%s' is no model source",
        "self.source",
        at=".source",
    ),
    _elsewhere("!self.source.matches('^(file|gguf):.') || self.source.startsWith('gguf:s3:')"),
    _only("init", "alphabet", "''", "only models made here (init:…) have an alphabet"),
    _only("init", "seed", "0", "only models made here (init:…) have a seed"),
    _only("hf", "revision", "''", "only hub models (hf:…) have a revision"),
)

_DATA = (
    _rule(
        f"self.source.matches('^({'|'.join(ROW_SCHEMES)}):.')",
        "that is no source of rows",
        "'%s' is no source of rows",
        "self.source",
        at=".source",
    ),
    _elsewhere(
        "self.source.matches('^(hf|generator):') || self.source.matches('^[a-z]+:s3:') "
        f"|| !self.source.matches('^({'|'.join(ROW_SCHEMES)}):.')"
    ),
    _rule(
        f"!self.source.startsWith('generator:') || !{_filled('self.columns')}",
        "a generator makes its own fields; leave columns out",
        at=".columns",
    ),
    *(_only("hf", f, "''", f"only hub data sets (hf:…) have a {f}") for f in _HUB_FIELDS),
)

_TRAIN, _TEST, _SPLIT = _given("self.train"), _given("self.test"), _given("self.split")
_ARGUED = "has(self.metrics) && n in self.metrics"
_TASK = (
    _rule(
        f"{_TRAIN} || {_TEST}",
        "the task has neither train nor test",
        "task '%s' has neither train nor test",
        "self.name",
    ),
    _rule(f"!{_SPLIT} || {_TRAIN}", "split cuts the training source, and there is none"),
    _rule(f"!{_SPLIT} || !{_TEST}", "both test and split are given", at=".test"),
    _rule(
        f"{_SPLIT} || {_or('testItems', '0')} == 0", "testItems belongs to split", at=".testItems"
    ),
    *(
        _rule(
            f"!{_given(f'self.{role}')} || {_or('items', '0', f'self.{role}')} == 0",
            "items says how many test items are used",
            at=f".{role}.items",
        )
        for role in ("train", "exemplars")
    ),
    _rule(
        f"!has(self.generation) || {_or('shots', '0', 'self.generation')} == 0 "
        f"|| {_TRAIN} || {_given('self.exemplars')}",
        "there are no rows for worked examples",
        at=".generation.shots",
    ),
    _rule(
        f"!({_SPLIT} ? {_TRAIN} : {_TEST}) || {_filled('self.metrics')}",
        "the task is tested but has no metric",
        "task '%s' is tested but has no metric",
        "self.name",
        at=".metrics",
    ),
    _each_known(
        "metric",
        "self.metricArguments",
        _ARGUED,
        ".metricArguments",
        when="has(self.metricArguments)",
    ),
    _mapped("train", ("prompt", "response")),
    _mapped("train", ("answer",), when=_SPLIT),
    _mapped("test", ("prompt", "answer")),
    _mapped("exemplars", ("prompt", "response")),
)

_UNIT = _or("unit", "'samples'")
_SWEEP = (
    _rule(
        f"!has(self.controls) || {_UNIT} == 'samples' "
        f"|| !self.controls.exists(c, c in {_words(_COUNTED)})",
        "a control compares with mixtures counted in samples",
        "%s compares with mixtures counted in samples, not in %s",
        f"self.controls.filter(c, c in {_words(_COUNTED)})[0]",
        _UNIT,
        at=".controls",
    ),
)

_COUNTS = (
    _rule(
        f"{_filled('self.values')} || ({_given('self.range')} && self.range.from <= self.range.to)",
        "there is no value",
    ),
)
_RANGE = (_rule("self.from <= self.to", "'to' is below 'from'"),)

_CHOICE = _or("select", "'last'")
_TRAINING = (
    _rule(
        f"{_CHOICE} == 'last' || {_or('validationItems', '0')} > 0",
        "the loss that chooses the checkpoint needs validation rows",
        "'%s' needs validation rows",
        _CHOICE,
        at=".select",
    ),
)

_BASELINE = f"(has(self.baseline) ? {_or('samplesPerLanguage', '0', 'self.baseline')} : 0)"
_REPORT = (
    _rule(
        f"!has(self.contrasts) || self.contrasts.all(c, c.at.samplesPerLanguage != {_BASELINE})",
        "a contrast is the baseline itself",
        "k=%d is the baseline itself",
        _BASELINE,
        at=".contrasts",
    ),
)

_STAGE_MODELS = "self.models.filter(m, m.source.startsWith('stage:')).map(m, m.source)"
_MADE = "(has(self.stages) && self.stages.exists(s, 'stage:' + s.name == n))"
_USED = "self.models.exists(m, m.source == 'stage:' + n)"
_CONTRASTS = "has(self.report) && has(self.report.contrasts)"
_STEPS = f"(has(self.train) ? {_or('steps', '0', 'self.train')} : 0)"
_BATCHES = f"(has(self.train) ? {_or('batchUnit', _words(['rows'])[1:-1], 'self.train')} : 'rows')"
_EQUAL_STEPS = "self.sweeps.exists(s, has(s.controls) && 'equal_steps' in s.controls)"
_MODELS, _TASKS = "self.models.map(m, m.name)", "self.tasks.map(t, t.name)"
_SPEC = (
    _rule(
        f"{_or('store', _words([''])[1:-1])} == {_or('store', _words([''])[1:-1], 'oldSelf')}",
        "the store of an experiment does not change: its lock and its results are there; make "
        "another experiment",
        at=".store",
        reason="FieldValueForbidden",
    ),
    _rule(
        f"!{_or('cancel', 'false', 'oldSelf')} || {_or('cancel', 'false')}",
        "what was cancelled stays so; another experiment uses the results that are there",
        at=".cancel",
        reason="FieldValueForbidden",
    ),
    _rule(
        f"{_STAGE_MODELS}.all(n, {_MADE})",
        "no stage is called so",
        "no stage is called '%s'",
        f"{_STAGE_MODELS}.filter(n, !{_MADE})[0].substring(6)",
        at=".models",
    ),
    _each_known(
        "model",
        "self.stages.map(s, s.model)",
        f"n in {_MODELS}",
        ".stages",
        when="has(self.stages)",
    ),
    _rule(
        f"!has(self.stages) || self.stages.map(s, s.name).all(n, {_USED})",
        "no model is made of the stage",
        "no model is made of the stage '%s'",
        f"self.stages.map(s, s.name).filter(n, !{_USED})[0]",
        at=".stages",
    ),
    _all_known("task", "self.stages", "tasks", _TASKS),
    _all_trained("self.stages"),
    _all_known("model", "self.sweeps", "models", _MODELS),
    _all_known("task", "self.sweeps", "tasks", _TASKS),
    _all_trained("self.sweeps"),
    _all_known("mix", "self.sweeps", "mixes", "self.languages.mixes", mapped=True),
    _rule(
        f"{_STEPS} == 0 || !{_EQUAL_STEPS}",
        "train.steps gives every run as many steps already",
        "train.steps gives every run %d steps already",
        _STEPS,
        at=".sweeps",
    ),
    _rule(
        f"{_BATCHES} == 'rows' || !{_EQUAL_STEPS}",
        "the steps of k=0 are known only for batches counted in rows",
        at=".sweeps",
    ),
    _each_known(
        "sweep",
        "self.report.contrasts.filter(c, has(c.sweep)).map(c, c.sweep)",
        "n == '' || n in self.sweeps.map(s, s.name)",
        ".report.contrasts",
        when=_CONTRASTS,
    ),
    _each_known(
        "group or language",
        "self.report.contrasts.filter(c, has(c.languages)).map(c, c.languages)",
        f"n in {_words(_GROUPS)} || n in self.languages.evaluate",
        ".report.contrasts",
        when=_CONTRASTS,
    ),
)

RULES: dict[str, tuple[Schema, ...]] = {
    "ExperimentSpec": _SPEC,
    "ExperimentSpec.store": (
        _rule("!self.contains('/')", "on a cluster a spec names a store by its profile"),
    ),
    "ExperimentSpec.seeds": (_once("%d"),),
    "LanguagesSpec": _LANGUAGES,
    "LanguagesSpec.evaluate": (_once(),),
    "ModelSpec": _MODEL,
    "DataSpec": _DATA,
    "TaskSpec": _TASK,
    "TaskSpec.metrics": (_once(),),
    "SweepSpec": _SWEEP,
    "SweepSpec.models": (_once(),),
    "SweepSpec.tasks": (_once(),),
    "SweepSpec.mixes": (_once(),),
    "SweepSpec.controls": (_once(),),
    "SweepSpec.seeds": (_once("%d"),),
    "Filter.controls[]": (
        _rule(
            f"self in {_words(_CONTROLS)}",
            "no control is called so",
            "no control is called '%s'",
            "self",
        ),
    ),
    "Counts": _COUNTS,
    "Range": _RANGE,
    "TrainSpec": _TRAINING,
    "ReportSpec": _REPORT,
}
