"""Every series that the platform shows Prometheus: name, type, labels, meaning.

One list for those who expose series (operator, runner), those who read them (dashboards, alerts)
and the reference page. Names have the prefix ``clt_`` and base units. Labels are bounded: names
that a spec declares, kinds, phases; never a key or free text. A scrape adds ``namespace`` and
``pod`` to what a Job's pod exposes, and from the pod's labels ``experiment`` (the experiment
that made the Job) and ``kind`` (of its steps); what else is known of a run is in
``clt_run_info`` of the same pod, to be joined on (namespace, pod).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

Where = Literal["operator", "job"]
Type = Literal["counter", "gauge", "histogram"]

PORT = 9464  # of the pods of Jobs, named "metrics"
EXPERIMENT = ("namespace", "experiment")
CELL = (*EXPERIMENT, "sweep", "model", "mix", "k", "task", "metric")

_WAITS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 48 * 3600)
_LOOKS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15, 60, 300)
_SAVES = (0.1, 0.5, 1, 2, 5, 15, 60, 300, 900)
_REQUESTS = (0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300)


@dataclass(frozen=True)
class Series:
    """One name. ``labels`` are those that the process sets itself."""

    name: str
    type: Type
    where: Where
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()  # upper bounds, of histograms

    def make(self, registry: "CollectorRegistry") -> Any:
        """The series as an object of ``prometheus_client``, in a registry."""
        # A runner that exposes nothing need not load it.
        from prometheus_client import Counter, Gauge, Histogram  # noqa: PLC0415

        if self.type == "histogram":
            return Histogram(
                self.name, self.help, self.labels, registry=registry, buckets=self.buckets
            )
        kind = Counter if self.type == "counter" else Gauge
        return kind(self.name, self.help, self.labels, registry=registry)

    @property
    def exposed(self) -> tuple[str, ...]:
        """The names that a query may use."""
        if self.type == "histogram":
            return tuple(f"{self.name}_{part}" for part in ("bucket", "sum", "count"))
        return (self.name,)


def _operator(
    name: str,
    type_: Type,
    help_: str,
    labels: tuple[str, ...] = (),
    buckets: tuple[float, ...] = (),
) -> Series:
    return Series(f"clt_{name}", type_, "operator", help_, labels, buckets)


def _job(
    name: str,
    type_: Type,
    help_: str,
    labels: tuple[str, ...] = (),
    buckets: tuple[float, ...] = (),
) -> Series:
    return Series(f"clt_{name}", type_, "job", help_, labels, buckets)


# The operator: itself.

BUILD_INFO = _operator("build_info", "gauge", "1; the release is a label.", ("version",))
LEADER = _operator("operator_leader", "gauge", "1 where this process leads.")
RECONCILE = _operator(
    "operator_reconcile_seconds", "histogram", "Time of one look at one experiment.", (), _LOOKS
)
RECONCILE_ERRORS = _operator(
    "operator_reconcile_errors_total",
    "counter",
    "Looks that ended with an error and are tried again.",
    ("error",),
)
LAST_SUCCESS = _operator(
    "operator_last_success_timestamp_seconds",
    "gauge",
    "When a look last ended well, or else when this process began to lead (Unix time); 0 where it "
    "has not led.",
)
QUEUE_DEPTH = _operator("operator_queue_depth", "gauge", "Experiments that wait for a look.")
API_WRITES = _operator(
    "operator_api_writes_total",
    "counter",
    "Requests to the API server that changed something or may have.",
)
JOBS_CREATED = _operator("operator_jobs_created_total", "counter", "Jobs made.")
NOT_SHOWN = _operator(
    "not_shown",
    "gauge",
    "What is there and has no series of its own: experiments and their counters beyond the most "
    "that show, reports for which there is no room or that could not be read.",
    ("what",),
)

# The operator: experiments.

EXPERIMENTS = _operator("experiments", "gauge", "Experiments by phase.", ("phase",))
EXPERIMENT_INFO = _operator(
    "experiment_info", "gauge", "1 for the phase that it is in.", (*EXPERIMENT, "phase", "queue")
)
EXPERIMENT_PROGRESS = _operator(
    "experiment_progress_ratio", "gauge", "Committed of needed steps, 0 to 1.", EXPERIMENT
)
EXPERIMENT_PROGRESSED = _operator(
    "experiment_last_progress_timestamp_seconds",
    "gauge",
    "When its count of committed steps last rose, or else when it began (Unix time). A process "
    "that begins to watch says now of what is under way.",
    EXPERIMENT,
)
EXPERIMENT_GPU_HOURS = _operator(
    "experiment_gpu_hours",
    "gauge",
    "GPU-hours of its attempts that ended, as its status says.",
    EXPERIMENT,
)
EXPERIMENT_STEPS = _operator(
    "experiment_steps",
    "gauge",
    "Steps by kind and phase; a phase without steps is left out.",
    (*EXPERIMENT, "kind", "phase"),
)
STEP_ATTEMPTS = _operator(
    "step_attempts_total",
    "counter",
    "Attempts that ended since this process leads, by outcome.",
    (*EXPERIMENT, "kind", "outcome"),
)
STEP_SECONDS = _operator(
    "step_duration_seconds",
    "histogram",
    "How long committed attempts took.",
    ("kind",),
    (1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 48 * 3600),
)
STEP_QUEUED = _operator(
    "step_queue_wait_seconds",
    "histogram",
    "From the making of a Job until its first pod ran, of Jobs whose pod this process saw begin.",
    ("kind", "queue"),
    _WAITS,
)
JOBS_WAITING = _operator(
    "jobs_waiting",
    "gauge",
    "Jobs of which no pod runs, by the experiment that made them.",
    (*EXPERIMENT, "kind", "queue"),
)
JOBS_LONGEST_WAIT = _operator(
    "jobs_longest_wait_seconds",
    "gauge",
    "How long the Job has waited that waits longest.",
    (*EXPERIMENT, "queue"),
)

# The operator: what attempts that ended left behind, added up since this process leads.

ENDED_TOKENS = _operator(
    "ended_tokens_total",
    "counter",
    "Tokens that attempts trained on which ended since this process leads.",
    (*EXPERIMENT, "language"),
)
ENDED_SUPERVISED = _operator(
    "ended_supervised_tokens_total",
    "counter",
    "Supervised tokens that attempts trained on which ended since this process leads.",
    (*EXPERIMENT, "language"),
)
ENDED_STORE_RETRIES = _operator(
    "ended_store_retries_total",
    "counter",
    "Store requests tried again by attempts that ended since this process leads.",
    (*EXPERIMENT, "kind"),
)
ENDED_STORE_BYTES = _operator(
    "ended_store_bytes_total",
    "counter",
    "Bytes moved by attempts that ended since this process leads: read, written.",
    (*EXPERIMENT, "kind", "direction"),
)
ENDED_RESUMES = _operator(
    "ended_resumes_total",
    "counter",
    "Attempts that went on from a saved state and ended since this process leads.",
    (*EXPERIMENT, "kind"),
)
ENDED_NOT_FINITE = _operator(
    "ended_losses_not_finite_total",
    "counter",
    "Attempts that ended since this process leads, because loss or gradients were not finite.",
    EXPERIMENT,
)

# The operator: what reports say, of experiments that are complete.

REPORT_INFO = _operator(
    "report_info", "gauge", "1 for an experiment whose report is shown.", EXPERIMENT
)
REPORT_LEFT_OUT = _operator(
    "report_left_out",
    "gauge",
    "Entries of its report that do not show, whatever bound they are beyond: of the summary, of "
    "limits.runsExposed, or of all reports together.",
    EXPERIMENT,
)
REPORT_SCORE = _operator(
    "report_score",
    "gauge",
    "Mean score of a language, in the unit of its metric.",
    (*CELL, "language", "role"),
)
REPORT_CHANGE = _operator(
    "report_score_change",
    "gauge",
    "Score against the baseline: the difference.",
    (*CELL, "language", "role"),
)
REPORT_GAP = _operator(
    "report_seen_unseen_gap", "gauge", "Seen less unseen languages, macro-means.", CELL
)
REPORT_GROUP = _operator(
    "report_group_score",
    "gauge",
    "Macro-mean of seen or unseen languages.",
    (*CELL, "group"),
)
REPORT_RELATIVE = _operator(
    "report_relative_to_pivot",
    "gauge",
    "Score of a language over that of the pivot.",
    (*CELL, "language", "role"),
)
REPORT_FAILED = _operator(
    "report_extraction_failures_ratio",
    "gauge",
    "Answers from which nothing could be read, 0 to 1.",
    (*CELL, "language", "role"),
)
REPORT_WRONG = _operator(
    "report_wrong_language_ratio",
    "gauge",
    "Answers in another script than their language's, 0 to 1, of those that could be told.",
    (*CELL, "language", "role"),
)

# Jobs: any kind.

RUN_INFO = _job(
    "run_info",
    "gauge",
    "1; what the step at work is about.",
    ("sweep", "stage", "model", "mix", "k", "seed", "control", "task", "language"),
)
STEP_ATTEMPT = _job("step_attempt", "gauge", "Number of the attempt at work, from 1.")
STEP_PROGRESS = _job("step_progress_ratio", "gauge", "How far the step at work is, 0 to 1.")
STEP_RESUMES = _job("step_resumes_total", "counter", "Steps taken up from a saved state.")
STORE_REQUESTS = _job(
    "store_requests_total",
    "counter",
    "Requests to the store: get, put, list, head, delete, multipart; ok (that a name is absent "
    "or taken is an answer, too) or error.",
    ("operation", "result"),
)
STORE_RETRIES = _job("store_retries_total", "counter", "Requests tried again.", ("operation",))
STORE_BYTES = _job("store_bytes_total", "counter", "Bytes moved: read, written.", ("direction",))
STORE_SECONDS = _job(
    "store_request_seconds",
    "histogram",
    "Time of a request with its retries, of a get until its answer begins.",
    ("operation",),
    _REQUESTS,
)
MEMORY = _job(
    "memory_bytes",
    "gauge",
    "Memory: resident, resident_peak, and of the GPU allocated, allocated_peak, reserved.",
    ("state",),
)

# Jobs: training.

TRAIN_STEP = _job("train_step", "gauge", "Optimiser steps that are done.")
TRAIN_STEPS = _job("train_steps", "gauge", "Optimiser steps of the whole training.")
TRAIN_SAMPLES = _job("train_samples_total", "counter", "Rows trained on.", ("language",))
TRAIN_TOKENS = _job("train_tokens_total", "counter", "Tokens trained on.", ("language",))
TRAIN_SUPERVISED = _job(
    "train_supervised_tokens_total", "counter", "Supervised tokens trained on.", ("language",)
)
TRAIN_SPEED = _job("train_tokens_per_second", "gauge", "Tokens per second, lately.")
TRAIN_LOSS = _job("train_loss", "gauge", "What the last step minimised.")
TRAIN_LANGUAGE_LOSS = _job(
    "train_language_loss",
    "gauge",
    "Mean loss per supervised token, last step that had any.",
    ("language",),
)
TRAIN_VALIDATION_LOSS = _job(
    "train_validation_loss", "gauge", "Of the last validation, by policy.", ("policy",)
)
TRAIN_GRADIENT_NORM = _job("train_gradient_norm", "gauge", "Before clipping, last step.")
TRAIN_RATE = _job("train_learning_rate", "gauge", "Of the last step.")
TRAIN_NOT_FINITE = _job(
    "train_not_finite_total",
    "counter",
    "Steps that were not finite: loss, which ends the training, or gradients, which are skipped.",
    ("what",),
)
TRAIN_SECONDS = _job(
    "train_seconds_total",
    "counter",
    "Where time goes: data, forward_backward, optimiser, checkpoint, validation. Time of the "
    "process, which waits for a GPU in forward_backward.",
    ("part",),
)
TRAIN_PADDING = _job("train_padding_tokens_total", "counter", "Padding that was computed on.")
CHECKPOINT_SECONDS = _job(
    "checkpoint_seconds", "histogram", "Time to save a resume state.", (), _SAVES
)
CHECKPOINT_BYTES = _job("checkpoint_bytes_total", "counter", "Bytes of resume states saved.")
CHECKPOINT_SAVED = _job(
    "checkpoint_last_timestamp_seconds",
    "gauge",
    "When a resume state was last saved, or else when the training began (Unix time).",
)

# Jobs: generation and likelihood.

ITEMS = _job("items_total", "counter", "Items answered or scored.", ("task", "language"))
ITEM_TOKENS = _job("item_tokens_total", "counter", "Tokens generated.", ("task", "language"))
TRUNCATED = _job(
    "items_truncated_total", "counter", "Answers cut at the limit.", ("task", "language")
)

SERIES: tuple[Series, ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, Series)
)
