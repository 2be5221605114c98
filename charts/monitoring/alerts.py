"""The alerts. What they say of an experiment keeps its namespace and name, so that a team gets its
own; what they say of a pod names the pod."""

from collections.abc import Sequence

from charts.monitoring import thresholds as limits
from charts.monitoring.promql import age, grown, latest, rate, select, total
from charts.monitoring.rules import Alert, Group
from clt_operator.api import telemetry as t

EXPERIMENT = ("namespace", "experiment")
POD = (*EXPERIMENT, "pod")
CELL = (*EXPERIMENT, "sweep", "model", "mix", "k", "task", "language")
HOUR = 3600
ON_EXPERIMENT = "on (namespace, experiment)"
WHOSE = "Experiment {{ $labels.namespace }}/{{ $labels.experiment }}"
POD_OF = "Pod {{ $labels.pod }} of experiment {{ $labels.namespace }}/{{ $labels.experiment }}"
AGE = "{{ $value | humanizeDuration }}"
SHARE = "{{ $value | humanizePercentage }}"
CELLS_OF = (
    "in {{ $value }} cells (language, model, mix, k) of task {{ $labels.task }}; the dashboard "
    "Transfer shows which."
)
TRAINS = f"({t.TRAIN_STEP.name} < {t.TRAIN_STEPS.name})"


def _counted(series: t.Series, window: str, by: Sequence[str], *matchers: str) -> str:
    return f"round({total(grown(select(series, *matchers), window), by)})"


def _step_fails() -> Alert:
    bad = 'outcome=~"failed|transient|input-at-fault|out-of-memory"'
    failed = _counted(t.STEP_ATTEMPTS, limits.FAILURE_WINDOW, (*EXPERIMENT, "kind"), bad)
    return Alert(
        "CltStepFailingRepeatedly",
        "warning",
        f"{failed} >= {limits.FAILURES}",
        "1m",
        f"{WHOSE}: steps of kind {{{{ $labels.kind }}}} fail again and again.",
        f"{{{{ $value }}}} attempts failed within {limits.FAILURE_WINDOW}; "
        f"{limits.FAILURES} are enough for this alert.",
    )


def _stalled() -> Alert:
    since = age(latest(select(t.EXPERIMENT_PROGRESSED), EXPERIMENT))
    running = latest(select(t.EXPERIMENT_INFO, 'phase="Running"'), EXPERIMENT)
    waiting = total(select(t.JOBS_WAITING), EXPERIMENT)
    at_work = f"count by (namespace, experiment) ({select(t.RUN_INFO)})"
    changes = f"changes({t.STEP_PROGRESS.name}[{limits.PROGRESS_WINDOW}])"
    silent = latest(
        select(t.EXPERIMENT_STEPS, f'kind=~"{limits.SILENT_KINDS}"', 'phase="running"'), EXPERIMENT
    )
    # Its steps are in Jobs that another experiment made: their series carry the other's name.
    steps = latest(select(t.EXPERIMENT_STEPS, 'phase=~"queued|running"'), EXPERIMENT)
    elsewhere = f"{latest(changes, ('namespace',))} > 0 or {_waiting_anywhere()} > 0"
    borrows = (
        f"({steps} > 0 unless {ON_EXPERIMENT} {at_work} unless {ON_EXPERIMENT} {waiting}"
        f" and on (namespace) ({elsewhere}))"
    )
    return Alert(
        "CltExperimentStalled",
        "warning",
        f"({since} > {limits.STALLED_HOURS * HOUR}"
        f" and {ON_EXPERIMENT} {running} == 1)"
        f" unless {ON_EXPERIMENT} ({waiting} > 0 unless {ON_EXPERIMENT} {at_work})"
        f" unless {ON_EXPERIMENT} {latest(changes, EXPERIMENT)} > 0"
        f" unless {ON_EXPERIMENT} {borrows}"
        f" unless {ON_EXPERIMENT} ({silent} > 0 unless {ON_EXPERIMENT}"
        f" {since} > {limits.SILENT_HOURS * HOUR})",
        "15m",
        f"{WHOSE} runs and gets no further.",
        f"No step was committed for {AGE} (more than {limits.STALLED_HOURS} h), no step at work "
        "shows progress, and it is not only waiting for its queue.",
    )


def _waiting_anywhere() -> str:
    return total(select(t.JOBS_WAITING), ("namespace",))


def _waits() -> Alert:
    longest = latest(select(t.JOBS_LONGEST_WAIT), (*EXPERIMENT, "queue"))
    return Alert(
        "CltQueueWaitTooLong",
        "info",
        f"{longest} > {limits.QUEUE_HOURS * HOUR}",
        "10m",
        f"{WHOSE} waits for queue '{{{{ $labels.queue }}}}'.",
        f"A Job has waited for {AGE} (more than {limits.QUEUE_HOURS} h) and no pod of it ran.",
    )


def _not_finite() -> Alert:
    live = _counted(t.TRAIN_NOT_FINITE, limits.NOT_FINITE_WINDOW, EXPERIMENT)
    ended = _counted(t.ENDED_NOT_FINITE, limits.NOT_FINITE_WINDOW, EXPERIMENT)
    return Alert(
        "CltLossNotFinite",
        "warning",
        f"({live} > 0) or ({ended} > 0)",
        "0m",
        f"{WHOSE}: a loss or its gradients are not finite.",
        f"{{{{ $value }}}} times within {limits.NOT_FINITE_WINDOW}.",
    )


def _collapsed() -> Alert:
    now = total(rate(select(t.TRAIN_TOKENS), limits.SPEED_WINDOW), POD)
    past = f"quantile_over_time(0.5, ({now})[{limits.SPEED_PAST}:{limits.SPEED_EACH}])"
    steps = f"changes({t.TRAIN_STEP.name}[{limits.SPEED_WINDOW}]) > 0"  # none in a validation
    return Alert(
        "CltTokensPerSecondCollapsed",
        "warning",
        f"{now} / {past} < {limits.COLLAPSED_TO:g} and on (namespace, pod) {TRAINS}"
        f" and on (namespace, pod) {steps}"
        f" and on (namespace, pod) {t.TRAIN_STEP.name} offset {limits.SPEED_WINDOW}",
        "15m",
        f"{POD_OF} trains far slower than before.",
        f"Tokens per second are at {SHARE} of the median of the last {limits.SPEED_PAST} "
        f"(below {limits.COLLAPSED_TO:.0%}).",
    )


def _store_fails() -> Alert:
    def share(series: t.Series, most: float, *matchers: str) -> str:
        asked = total(rate(select(t.STORE_REQUESTS), limits.STORE_WINDOW), EXPERIMENT)
        part = total(rate(select(series, *matchers), limits.STORE_WINDOW), EXPERIMENT)
        many = _counted(series, limits.STORE_WINDOW, EXPERIMENT, *matchers)
        enough = f"{ON_EXPERIMENT} {many} >= {limits.STORE_LEAST}"
        return f"({part} / {asked} > {most:g} and {enough})"

    errors = share(t.STORE_REQUESTS, limits.STORE_ERRORS, 'result!="ok"')
    retries = share(t.STORE_RETRIES, limits.STORE_RETRIES)
    return Alert(
        "CltStoreErrors",
        "warning",
        f"{errors} or {retries}",
        "10m",
        f"{WHOSE}: its store refuses requests or does not answer.",
        f"{SHARE} of the requests of its pods failed (more than {limits.STORE_ERRORS:.0%}) or "
        f"were tried again (more than {limits.STORE_RETRIES:.0%}), at least {limits.STORE_LEAST} "
        f"within {limits.STORE_WINDOW}.",
    )


def _checkpoint_old() -> Alert:
    saved = age(latest(select(t.CHECKPOINT_SAVED), POD))
    return Alert(
        "CltCheckpointTooOld",
        "warning",
        f"{saved} > {limits.CHECKPOINT_HOURS * HOUR} and on (namespace, pod) {TRAINS}",
        "5m",
        f"{POD_OF} has saved no state for long.",
        f"The last resume state is {AGE} old (more than {limits.CHECKPOINT_HOURS} h): so much "
        "work would be lost with the node.",
    )


def _absent() -> Alert:
    return Alert(
        "CltOperatorAbsent",
        "critical",
        f"absent({t.BUILD_INFO.name})",
        "10m",
        "No operator of the platform is scraped.",
        "No experiment is driven, or Prometheus does not see the operator.",
    )


def _no_leader() -> Alert:
    known = f"max_over_time({t.LEADER.name}[{limits.OPERATOR_PAST}])"
    not_scraped = f"(up == 0 and on (namespace, pod) {known})"
    return Alert(
        "CltOperatorWithoutLeader",
        "critical",
        f"{total(select(t.LEADER), ('namespace',))} == 0 unless on (namespace) {not_scraped}",
        "5m",
        "No operator that is scraped in namespace {{ $labels.namespace }} leads.",
        "All of its pods that Prometheus knows are scraped, and none holds the lease: nothing is "
        "driven.",
    )


def _not_reconciling() -> Alert:
    looked = latest(select(t.LAST_SUCCESS), ("namespace",))
    since = age(f"({looked} > 0)")
    active = total(select(t.EXPERIMENTS, 'phase=~"Pending|Running"'), ("namespace",))
    return Alert(
        "CltOperatorNotReconciling",
        "critical",
        f"{since} > {limits.LOOK_MINUTES * 60} and on (namespace) {active} > 0",
        "5m",
        "The operator in namespace {{ $labels.namespace }} does not get through its experiments.",
        f"No look at an experiment ended well for {AGE} (more than {limits.LOOK_MINUTES} min), "
        "while experiments are pending or running.",
    )


def _look_errors() -> Alert:
    failed = total(rate(select(t.RECONCILE_ERRORS), limits.LOOK_WINDOW), ("namespace",))
    looks = total(rate(select(t.RECONCILE, part="count"), limits.LOOK_WINDOW), ("namespace",))
    return Alert(
        "CltOperatorErrors",
        "warning",
        f"{failed} / {looks} > {limits.LOOK_ERRORS:g}",
        "15m",
        "Many looks of the operator in namespace {{ $labels.namespace }} end with an error.",
        f"{SHARE} of its looks at experiments (more than {limits.LOOK_ERRORS:.0%}).",
    )


def _cells(series: t.Series, most: float) -> str:
    """One alert for a task, however many of its cells are above the limit."""
    worst = latest(select(series, 'k!="0"'), CELL)
    bad = f"{worst} > {most:g}"
    return f"count by (namespace, experiment, task) ({bad}) > 0"


def _wrong_language() -> Alert:
    return Alert(
        "CltTooManyWrongLanguageAnswers",
        "info",
        _cells(t.REPORT_WRONG, limits.WRONG_LANGUAGE),
        "5m",
        f"{WHOSE}: many answers are in another script than their language's.",
        f"More than {limits.WRONG_LANGUAGE:.0%} of the answers {CELLS_OF}",
    )


def _extraction() -> Alert:
    return Alert(
        "CltTooManyExtractionFailures",
        "info",
        _cells(t.REPORT_FAILED, limits.EXTRACTION_FAILURES),
        "5m",
        f"{WHOSE}: nothing could be read from many answers.",
        f"More than {limits.EXTRACTION_FAILURES:.0%} of the answers {CELLS_OF}",
    )


GROUPS = (
    Group("clt-experiments", (_step_fails(), _stalled(), _waits())),
    Group("clt-runs", (_not_finite(), _collapsed(), _store_fails(), _checkpoint_old())),
    Group("clt-operator", (_absent(), _no_leader(), _not_reconciling(), _look_errors())),
    Group("clt-reports", (_wrong_language(), _extraction())),
)
