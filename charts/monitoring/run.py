"""Run: what the pods of an experiment do while they are alive, told apart by run.

A pod says of itself only who it is; ``clt_run_info`` of the same pod says which run it works for.
``of_run`` joins the two on (namespace, pod).
"""

from collections.abc import Sequence

from charts.monitoring.board import EXPERIMENT, NAMESPACE, Row, board, choice, within
from charts.monitoring.panels import THIRD, WHOLE, Column, Query, lines, number, table
from charts.monitoring.promql import age, grown, latest, quantile, rate, select, total
from clt_operator.api import telemetry as t

UID = "clt-run"
RUN = ("model", "mix", "k", "seed")
ABOUT = ("sweep", "stage", *RUN, "control")
POD = ("namespace", "pod")
NAMED = "{{sweep}} {{stage}} {{model}} {{mix}} k={{k}} seed {{seed}} {{control}} ({{pod}})"
WHO = latest(select(t.RUN_INFO, within(EXPERIMENT, RUN)), (*POD, *ABOUT))

OF_WHOM = f"* on (namespace, pod) group_left ({', '.join(ABOUT)}) {WHO}"


def run() -> str:
    """The dashboard's JSON."""
    return board(
        UID,
        "CLT / Run",
        "Runs of an experiment while their pods are alive: losses, throughput, checkpoints, store.",
        variables=[
            choice("namespace", t.RUN_INFO, ""),
            choice("experiment", t.RUN_INFO, NAMESPACE),
            *(
                choice(label, t.RUN_INFO, within(EXPERIMENT, RUN[:place]))
                for place, label in enumerate(RUN)
            ),
        ],
        rows=[_now(), _learning(), _speed(), _saving(), _answers(), _store()],
        since="now-6h",
    )


def of_run(expression: str, by: Sequence[str] = ()) -> str:
    """A pod's values (one for each value of the labels ``by``) with the labels of its run."""
    return f"{latest(expression, (*POD, *by))} {OF_WHOM}"


def summed(expression: str, by: Sequence[str] = ()) -> str:
    """As ``of_run``, of what adds up within a pod."""
    return f"{total(expression, (*POD, *by))} {OF_WHOM}"


def own(series: t.Series, *matchers: str, part: str = "") -> str:
    """Of the pods of the chosen experiments."""
    return select(series, EXPERIMENT, *matchers, part=part)


def _now() -> Row:
    labels = {
        "namespace": "Namespace",
        "pod": "Pod",
        "sweep": "Sweep",
        "stage": "Stage",
        "model": "Model",
        "mix": "Mix",
        "k": "k",
        "seed": "Seed",
        "control": "Control",
    }
    ended = grown(select(t.STEP_ATTEMPTS, EXPERIMENT), "$__range")
    return Row(
        "Now",
        [
            number(
                "Pods at work",
                "Pods that work on a step of the chosen runs.",
                Query(f"count({WHO})"),
                unit="short",
            ),
            number(
                "Attempts that ended",
                "In the time range, of the whole experiment, by outcome. More `saved` or `lost` "
                "than nodes were drained is worth a look.",
                Query(f"round({total(ended, ('outcome',))})", "{{outcome}}"),
                unit="short",
                width=WHOLE - 4,
            ),
            table(
                "Pods",
                "What each pod is at. An attempt above 1 was started again; look for a progress "
                "that stands still.",
                labels,
                Column(of_run(own(t.STEP_PROGRESS)), "Progress", "percentunit"),
                Column(of_run(own(t.STEP_ATTEMPT)), "Attempt"),
                Column(of_run(own(t.TRAIN_STEP)), "Optimiser step"),
                Column(of_run(own(t.TRAIN_STEPS)), "of"),
                Column(of_run(own(t.TRAIN_SPEED)), "Tokens/s"),
                width=WHOLE,
            ),
        ],
    )


def _learning() -> Row:
    return Row(
        "Learning",
        [
            lines(
                "Loss by language",
                "Mean loss per supervised token of the last step, by language. Look for one "
                "language that stays behind or turns up while the others fall.",
                Query(
                    of_run(own(t.TRAIN_LANGUAGE_LOSS), ("language",)),
                    f"{NAMED} · {{{{language}}}}",
                ),
                unit="none",
                least=None,
            ),
            lines(
                "Validation loss",
                "Of the last validation, by selection policy. It turns up where a run overfits.",
                Query(
                    of_run(own(t.TRAIN_VALIDATION_LOSS), ("policy",)), f"{NAMED} · {{{{policy}}}}"
                ),
                unit="none",
                least=None,
            ),
            lines(
                "Loss",
                "What the last step minimised, with all terms of the objective.",
                Query(of_run(own(t.TRAIN_LOSS)), NAMED),
                unit="none",
                width=THIRD,
                least=None,
            ),
            lines(
                "Gradient norm",
                "Before clipping. Spikes announce a loss that will not stay finite.",
                Query(of_run(own(t.TRAIN_GRADIENT_NORM)), NAMED),
                unit="none",
                width=THIRD,
            ),
            lines(
                "Learning rate",
                "Of the last step.",
                Query(of_run(own(t.TRAIN_RATE)), NAMED),
                unit="sci",
                width=THIRD,
            ),
        ],
    )


def _speed() -> Row:
    padding, tokens = rate(own(t.TRAIN_PADDING)), rate(own(t.TRAIN_TOKENS))
    both = f"({total(padding, POD)} + {total(tokens, POD)})"
    seconds = rate(own(t.TRAIN_SECONDS))
    of_all = f"/ on (namespace, pod) group_left () {total(seconds, POD)}"
    share = f"{total(seconds, (*POD, 'part'))} {of_all}"
    return Row(
        "Throughput",
        [
            lines(
                "Tokens per second",
                "Of each run, lately. A fall that lasts comes from the node, the store or long "
                "rows; see where time goes.",
                Query(of_run(own(t.TRAIN_SPEED)), NAMED),
                unit="short",
            ),
            lines(
                "Where time goes",
                "Share of the parts of a step. Much `data` means that rows come too slowly, much "
                "`checkpoint` that states are saved too often or the store is slow.",
                Query(of_run(share, ("part",)), f"{NAMED} · {{{{part}}}}"),
                unit="percentunit",
                most=1,
            ),
            lines(
                "Tokens by language",
                "Tokens trained on per second. Their shares are those of the mixture.",
                Query(summed(tokens, ("language",)), f"{NAMED} · {{{{language}}}}"),
                unit="short",
                stacked=True,
            ),
            lines(
                "Rows and supervised tokens",
                "Per second, of all languages.",
                Query(summed(rate(own(t.TRAIN_SAMPLES))), f"{NAMED} · rows"),
                Query(summed(rate(own(t.TRAIN_SUPERVISED))), f"{NAMED} · supervised tokens"),
                unit="short",
            ),
            lines(
                "Padding",
                "Share of padding in what was computed. Above a half, packing pays.",
                Query(of_run(f"{total(padding, POD)} / {both}"), NAMED),
                unit="percentunit",
                most=1,
            ),
            lines(
                "Memory",
                "Of all pods of the experiment: resident memory, and what they hold of a GPU. "
                "Compare the peaks with the limits of the pool.",
                Query(latest(own(t.MEMORY), (*POD, "state")), "{{pod}} · {{state}}"),
                unit="bytes",
            ),
        ],
    )


def _saving() -> Row:
    seconds = own(t.CHECKPOINT_SECONDS, part="sum"), own(t.CHECKPOINT_SECONDS, part="count")
    mean = f"{total(rate(seconds[0]), POD)} / {total(rate(seconds[1]), POD)}"
    not_finite = grown(own(t.TRAIN_NOT_FINITE), "$__rate_interval")
    return Row(
        "Checkpoints and restarts",
        [
            lines(
                "Age of the saved state",
                "Time since a resume state was saved: what a lost node would cost.",
                Query(of_run(age(latest(own(t.CHECKPOINT_SAVED), POD))), NAMED),
                unit="s",
                width=THIRD,
            ),
            lines(
                "Time to save",
                "Mean of the states that were saved lately.",
                Query(of_run(mean), NAMED),
                unit="s",
                width=THIRD,
            ),
            lines(
                "Bytes saved",
                "Of all resume states of an attempt.",
                Query(summed(own(t.CHECKPOINT_BYTES)), NAMED),
                unit="bytes",
                width=THIRD,
            ),
            lines(
                "Attempt",
                "The number of the attempt at work. Each rise is a restart.",
                Query(of_run(own(t.STEP_ATTEMPT)), NAMED),
                unit="short",
                width=THIRD,
            ),
            lines(
                "Resumes",
                "Steps of a pod that were taken up from a saved state. An attempt that rises "
                "while this does not begins from the start.",
                Query(summed(own(t.STEP_RESUMES)), NAMED),
                unit="short",
                width=THIRD,
            ),
            lines(
                "Steps that were not finite",
                "Optimiser steps whose loss or gradients were not finite: a few may be skipped, "
                "many end the attempt.",
                Query(summed(not_finite, ("what",)), f"{NAMED} · {{{{what}}}}"),
                unit="short",
                width=THIRD,
                bars=True,
            ),
        ],
    )


def _answers() -> Row:
    by = ("task", "language")
    named = "{{task}} {{language}}"
    cut = total(rate(own(t.TRUNCATED)), by)
    return Row(
        "Evaluation (of the whole experiment)",
        [
            lines(
                "Items per second",
                "Answered or scored, by task and language.",
                Query(total(rate(own(t.ITEMS)), by), named),
                unit="short",
                width=THIRD,
            ),
            lines(
                "Generated tokens per second",
                "By task and language.",
                Query(total(rate(own(t.ITEM_TOKENS)), by), named),
                unit="short",
                width=THIRD,
            ),
            lines(
                "Answers cut at the limit",
                "Share of the answers. Many mean that the model does not stop, or that the "
                "task's limit is too low for the language.",
                Query(f"{cut} / {total(rate(own(t.ITEMS)), by)}", named),
                unit="percentunit",
                width=THIRD,
                most=1,
            ),
        ],
    )


def _store() -> Row:
    return Row(
        "Store (of the whole experiment)",
        [
            lines(
                "Requests",
                "Per second, by operation and result. That a name is absent or taken is an "
                "answer and `ok`.",
                Query(
                    total(rate(own(t.STORE_REQUESTS)), ("operation", "result")),
                    "{{operation}} {{result}}",
                ),
                unit="reqps",
            ),
            lines(
                "Requests tried again",
                "Per second, by operation.",
                Query(total(rate(own(t.STORE_RETRIES)), ("operation",)), "{{operation}}"),
                unit="reqps",
            ),
            lines(
                "Bytes moved",
                "Per second, read and written.",
                Query(total(rate(own(t.STORE_BYTES)), ("direction",)), "{{direction}}"),
                unit="Bps",
            ),
            lines(
                "Time of a request",
                "With its retries, of a get until its answer begins: what one in twenty exceeds.",
                Query(
                    quantile(0.95, t.STORE_SECONDS, EXPERIMENT, by=("operation",)),
                    "{{operation}}",
                ),
                unit="s",
            ),
        ],
    )
