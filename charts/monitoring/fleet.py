"""Fleet: all experiments of the chosen namespaces, their queues, what fails, the operator."""

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from charts.monitoring.board import NAMESPACE, Row, board, choice
from charts.monitoring.panels import (
    HALF,
    QUARTER,
    THIRD,
    WHOLE,
    Column,
    Query,
    lines,
    number,
    table,
)
from charts.monitoring.promql import age, grown, latest, quantile, rate, select, total
from clt_operator.api import telemetry as t

UID = "clt-fleet"
EXPERIMENT = ("namespace", "experiment")
BAD = 'outcome!~"committed|saved|lost-race"'
INFO = latest(select(t.EXPERIMENT_INFO, NAMESPACE), (*EXPERIMENT, "phase", "queue"))
STEPS = latest(select(t.EXPERIMENT_STEPS, NAMESPACE), (*EXPERIMENT, "kind", "phase"))
WAITING = latest(select(t.JOBS_WAITING, NAMESPACE), (*EXPERIMENT, "kind", "queue"))


def fleet() -> str:
    """The dashboard's JSON."""
    return board(
        UID,
        "CLT / Fleet",
        "All experiments of the chosen namespaces: how far they are, what waits, what fails.",
        variables=[choice("namespace", t.EXPERIMENT_INFO, "")],
        rows=[_experiments(), _queue(), _failures(), _cost(), _operator()],
        since="now-24h",
    )


def _experiments() -> Row:
    gone = latest(select(t.EXPERIMENT_PROGRESSED, NAMESPACE), EXPERIMENT)
    progress = latest(select(t.EXPERIMENT_PROGRESS, NAMESPACE), EXPERIMENT)
    one = f"topk by (namespace, experiment) (1, {INFO} == 1)"  # while a leader follows another
    of_phase = f"* on (namespace, experiment) group_left (phase, queue) {one}"
    return Row(
        "Experiments",
        [
            number(
                "Experiments by phase",
                "How many experiments are in each phase now. Failed and Rejected ones wait for "
                "their owner: `cltctl describe` says why.",
                Query(total(INFO, ("phase",)), "{{phase}}"),
                unit="short",
                width=HALF,
            ),
            number(
                "Steps by phase",
                "All steps of these experiments now.",
                Query(total(STEPS, ("phase",)), "{{phase}}"),
                unit="short",
                width=HALF,
            ),
            table(
                "Progress",
                "One row per experiment. Look for a phase of Running with a long time since the "
                "last progress.",
                {
                    "namespace": "Namespace",
                    "experiment": "Experiment",
                    "phase": "Phase",
                    "queue": "Queue",
                },
                Column(f"{progress} {of_phase}", "Progress", "percentunit"),
                Column(age(gone), "Since last progress", "s"),
                Column(
                    latest(select(t.EXPERIMENT_GPU_HOURS, NAMESPACE), EXPERIMENT),
                    "GPU-hours",
                    "suffix: h",
                ),
                width=WHOLE,
            ),
            lines(
                "Experiments over time",
                "Experiments by phase. A growing Pending share means that the operator or a store "
                "does not keep up.",
                Query(total(INFO, ("phase",)), "{{phase}}"),
                unit="short",
                stacked=True,
            ),
            lines(
                "Steps over time",
                "Steps by phase. Committed should grow; a flat picture with running steps is a "
                "stall.",
                Query(total(STEPS, ("phase",)), "{{phase}}"),
                unit="short",
                stacked=True,
            ),
        ],
    )


def _queue() -> Row:
    longest = latest(select(t.JOBS_LONGEST_WAIT, NAMESPACE), (*EXPERIMENT, "queue"))
    return Row(
        "Queue",
        [
            lines(
                "Jobs that wait",
                "Jobs of which no pod has run yet, by queue (none: the default of the cluster).",
                Query(total(WAITING, ("queue",)), "queue {{queue}}"),
                unit="short",
                width=THIRD,
                stacked=True,
            ),
            lines(
                "Time in the queue",
                "From the making of a Job until its first pod ran, of the Jobs of all namespaces "
                "that started within an hour: the median, and what one in twenty exceeds.",
                Query(
                    quantile(0.5, t.STEP_QUEUED, by=("queue",), window="1h"),
                    "median, queue {{queue}}",
                ),
                Query(
                    quantile(0.95, t.STEP_QUEUED, by=("queue",), window="1h"),
                    "95 %, queue {{queue}}",
                ),
                unit="s",
                width=THIRD,
            ),
            table(
                "What waits longest",
                "The twenty experiments whose oldest Job waits longest. Hours point at a quota "
                "that is used up, a pool without nodes, or an image that does not come.",
                {"namespace": "Namespace", "experiment": "Experiment", "queue": "Queue"},
                Column(f"topk(20, {longest})", "Waits for", "s"),
                width=THIRD,
            ),
        ],
    )


def _failures() -> Row:
    ended = grown(select(t.STEP_ATTEMPTS, NAMESPACE), "1h")
    bad = grown(select(t.STEP_ATTEMPTS, NAMESPACE, BAD), "$__range")
    return Row(
        "Attempts and failures",
        [
            lines(
                "Attempts that ended",
                "Attempts of the last hour by outcome. `saved` and `lost` follow disruptions and "
                "are free; `failed`, `transient` and `out-of-memory` are counted.",
                Query(f"round({total(ended, ('outcome',))})", "{{outcome}}"),
                unit="short",
                stacked=True,
            ),
            table(
                "What failed",
                "Attempts of the time range that did not commit. The same kind again and again "
                "is a fault of the step; many kinds at once, of the store or a node.",
                {
                    "namespace": "Namespace",
                    "experiment": "Experiment",
                    "kind": "Step kind",
                    "outcome": "Outcome",
                },
                Column(f"round({total(bad, (*EXPERIMENT, 'kind', 'outcome'))}) > 0", "Attempts"),
            ),
            lines(
                "Losses that were not finite",
                "Attempts that ended for it, since the operator leads. Any is worth a look at "
                "the run's learning rate and data.",
                Query(
                    total(select(t.ENDED_NOT_FINITE, NAMESPACE), EXPERIMENT),
                    "{{namespace}}/{{experiment}}",
                ),
                unit="short",
                width=THIRD,
            ),
            lines(
                "Resumes",
                "Ended attempts that went on from a saved state, since the operator leads: what "
                "disruptions would have cost.",
                Query(total(select(t.ENDED_RESUMES, NAMESPACE), ("kind",)), "{{kind}}"),
                unit="short",
                width=THIRD,
            ),
            lines(
                "Store requests tried again",
                "By ended attempts, since the operator leads. A slope means that the store is "
                "slow or refuses requests.",
                Query(total(select(t.ENDED_STORE_RETRIES, NAMESPACE), ("kind",)), "{{kind}}"),
                unit="short",
                width=THIRD,
            ),
        ],
    )


def _cost() -> Row:
    hours = latest(select(t.EXPERIMENT_GPU_HOURS, NAMESPACE), EXPERIMENT)
    tokens = select(t.ENDED_TOKENS, NAMESPACE)
    supervised = select(t.ENDED_SUPERVISED, NAMESPACE)
    moved = select(t.ENDED_STORE_BYTES, NAMESPACE)
    return Row(
        "Cost",
        [
            lines(
                "GPU-hours",
                "GPU-hours of attempts that ended, by experiment.",
                Query(hours, "{{namespace}}/{{experiment}}"),
                unit="suffix: h",
                stacked=True,
            ),
            lines(
                "How long steps take",
                "Attempts of all namespaces that committed within an hour, by kind: the median.",
                Query(quantile(0.5, t.STEP_SECONDS, by=("kind",), window="1h"), "{{kind}}"),
                unit="s",
            ),
            lines(
                "Tokens trained on",
                "By ended attempts, since the operator leads; supervised ones carry the loss.",
                Query(total(tokens, ("experiment",)), "{{experiment}}, all"),
                Query(total(supervised, ("experiment",)), "{{experiment}}, supervised"),
                unit="short",
            ),
            lines(
                "Bytes moved",
                "Between ended attempts and the store, since the operator leads.",
                Query(total(moved, ("direction",)), "{{direction}}"),
                unit="bytes",
            ),
        ],
    )


def _operator() -> Row:
    return Row("Operator (of any namespace)", [*_operator_now(), *_operator_over_time()])


def _operator_now() -> list[Builder[Panel]]:
    leader = total(select(t.LEADER), ("namespace",))
    success = age(f"({latest(select(t.LAST_SUCCESS), ('namespace',))} > 0)")
    return [
        number(
            "Leaders",
            "Operators that lead, by their namespace. One is right; none means that nothing "
            "is driven.",
            Query(leader, "{{namespace}}"),
            unit="short",
            width=QUARTER,
            bad_below=1,
            bad_above=2,
        ),
        number(
            "Since the last good look",
            "Time since a look at any experiment ended well.",
            Query(success, "{{namespace}}"),
            unit="s",
            width=QUARTER,
            bad_above=600,
        ),
        number(
            "Experiments that wait for a look",
            "The queue of the operator itself. Near zero is right.",
            Query(total(select(t.QUEUE_DEPTH), ("namespace",)), "{{namespace}}"),
            unit="short",
            width=QUARTER,
        ),
        number(
            "Release",
            "Operator pods by release. Two for longer than a rollout is a mistake.",
            Query(f"count by (version) ({select(t.BUILD_INFO)})", "{{version}}"),
            unit="short",
            width=QUARTER,
        ),
        number(
            "Not shown",
            "What is there and has no series of its own, so that these dashboards miss it. Zero is "
            "right; the operator has a most that it shows.",
            Query(latest(select(t.NOT_SHOWN), ("namespace", "what")), "{{namespace}}: {{what}}"),
            unit="short",
            width=WHOLE,
            bad_above=1,
        ),
    ]


def _operator_over_time() -> list[Builder[Panel]]:
    errors = total(rate(select(t.RECONCILE_ERRORS)), ("error",))
    return [
        lines(
            "Time of a look",
            "How long one look at one experiment takes: the median, and what one in a "
            "hundred exceeds.",
            Query(quantile(0.5, t.RECONCILE, by=("namespace",)), "median, {{namespace}}"),
            Query(quantile(0.99, t.RECONCILE, by=("namespace",)), "99 %, {{namespace}}"),
            unit="s",
            width=THIRD,
        ),
        lines(
            "Looks that failed",
            "Per second, by error. They are tried again; a steady rate is a fault.",
            Query(errors, "{{error}}"),
            unit="ops",
            width=THIRD,
        ),
        lines(
            "Writes to the API server",
            "Requests per second that changed something, and Jobs made. Writes without Jobs "
            "or endings of steps are a fault of the operator.",
            Query(total(rate(select(t.API_WRITES))), "writes"),
            Query(total(rate(select(t.JOBS_CREATED))), "Jobs made"),
            unit="ops",
            width=THIRD,
        ),
        lines(
            "Experiments that it knows",
            "By phase, of all namespaces that it drives.",
            Query(
                latest(select(t.EXPERIMENTS), ("namespace", "phase")),
                "{{namespace}} {{phase}}",
            ),
            unit="short",
            width=WHOLE,
            stacked=True,
        ),
    ]
