"""What adds up: by experiment as long as it is there, bounded, never twice."""

import pytest

from clt_operator.api.step import Outcome
from clt_operator.drivers.cluster import metrics as module
from clt_operator.drivers.cluster.accounting import Ended
from clt_operator.drivers.cluster.metrics import Metrics
from clt_operator.store.artifacts import Artifacts
from clt_operator.store.file import FileStore

PLACE = ("lab", "study")
FIGURES = {
    "tokens.en": 100, "tokens.ja": 40, "tokens.xx": 7, "supervised_tokens.en": 60,
    "store_bytes.read": 5000, "store_bytes.written": 70, "store_retries": 2, "resumed": 1,
    "not_finite": 1,
}  # fmt: skip


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def end(metrics, tmp_path):
    artifacts = Artifacts(FileStore(tmp_path))

    def one(outcome="committed", name="study", uid="u", seconds=5.0, **figures):
        said = Ended(
            ("lab", name), uid, "train", "k", 1, outcome, artifacts, {}, frozenset({"en", "ja"})
        )
        found = Outcome(key="k", attempt=1, outcome=outcome, figures=figures)
        metrics.ended(said, found, seconds)

    return one


def test_an_attempt_leaves_its_outcome_its_time_and_its_figures(metrics, end, samples):
    end(**FIGURES)
    end("failed", store_retries=1)
    found = samples(metrics.text())
    assert found["clt_step_attempts_total", *PLACE, "train", "committed"] == 1
    assert found["clt_step_attempts_total", *PLACE, "train", "failed"] == 1
    assert found["clt_step_duration_seconds_count", "train"] == 1
    assert found["clt_ended_tokens_total", *PLACE, "ja"] == 40
    assert found["clt_ended_supervised_tokens_total", *PLACE, "en"] == 60
    assert found["clt_ended_store_bytes_total", *PLACE, "train", "read"] == 5000
    assert found["clt_ended_store_retries_total", *PLACE, "train"] == 3
    assert found["clt_ended_resumes_total", *PLACE, "train"] == 1
    assert found["clt_ended_losses_not_finite_total", *PLACE] == 1


def test_a_training_that_gave_up_on_its_gradients_counts_as_not_finite(metrics, end, samples):
    end("committed", skipped_steps=3)
    end("input-at-fault", skipped_steps=10)
    end("input-at-fault")
    assert samples(metrics.text())["clt_ended_losses_not_finite_total", *PLACE] == 1


def test_promise_bounded_labels_languages_are_those_of_the_spec(metrics, end, samples):
    end(**FIGURES)
    found = samples(metrics.text())
    languages = {labels[3] for labels in found if labels[0] == "clt_ended_tokens_total"}
    assert languages == {"en", "ja", "other"}
    assert found["clt_ended_tokens_total", *PLACE, "other"] == 7


def test_figures_that_are_no_counts_add_nothing(metrics, end, samples):
    end(store_retries=float("nan"), resumed=-3)
    found = samples(metrics.text())
    assert found["clt_ended_store_retries_total", *PLACE, "train"] == 0
    assert found["clt_ended_resumes_total", *PLACE, "train"] == 0


def test_what_bears_the_name_of_an_experiment_goes_with_it(metrics, end, samples):
    end(**FIGURES)
    end(name="other")
    metrics.keep({(("lab", "other"), "u")})
    named = {labels[:3] for labels in samples(metrics.text()) if PLACE[1] in labels}
    assert named == set()
    assert samples(metrics.text())["clt_step_attempts_total", "lab", "other", "train", "committed"]


def test_another_experiment_of_the_same_name_begins_at_zero(metrics, end, samples):
    end("failed")
    end("failed", uid="another")
    assert samples(metrics.text())["clt_step_attempts_total", *PLACE, "train", "failed"] == 1


def test_promise_bounded_labels_no_more_experiments_than_are_shown(
    metrics, end, samples, monkeypatch
):
    monkeypatch.setattr(module, "MOST_EXPERIMENTS", 2)
    for at in range(5):
        end(name=f"study{at}")
    found = samples(metrics.text())
    names = {labels[2] for labels in found if labels[0] == "clt_step_attempts_total"}
    assert names == {"study0", "study1"}
    assert metrics.left_out == 3
    assert found["clt_step_duration_seconds_count", "train"] == 5


def test_counters_of_experiments_that_are_over_make_room(metrics, end, samples, monkeypatch):
    monkeypatch.setattr(module, "MOST_EXPERIMENTS", 2)
    there = {(("lab", f"study{at}"), "u") for at in range(4)}
    end(name="study0")
    end(name="study1")
    metrics.keep(there, {("lab", "study1")})
    end(name="study2")
    end(name="study3")
    found = samples(metrics.text())
    names = {labels[2] for labels in found if labels[0] == "clt_step_attempts_total"}
    assert (names, metrics.left_out) == ({"study0", "study2"}, 2)
    metrics.keep({(("lab", "study3"), "u")})
    end(name="study3")
    assert metrics.left_out == 0


def test_writes_are_a_counter_of_what_the_client_counted(metrics, samples):
    for total in (3, 7, 7):
        metrics.wrote(total)
    assert samples(metrics.text())["clt_operator_api_writes_total",] == 7
