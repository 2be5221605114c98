"""What a runner records: series of the process, figures of each attempt."""

from prometheus_client import CollectorRegistry, generate_latest

from clt_jobs.telemetry.exposition import Exposition
from clt_jobs.telemetry.recorder import Recorder
from clt_operator.api import figures
from clt_operator.api import telemetry as series
from clt_operator.store.observer import Request


def exposed() -> tuple[Recorder, CollectorRegistry]:
    registry = CollectorRegistry()
    return Recorder(Exposition(registry)), registry


def shown(registry: CollectorRegistry) -> str:
    return generate_latest(registry).decode()


def test_counters_become_figures_without_any_exposition() -> None:
    recorder = Recorder()
    recorder.add(series.TRAIN_TOKENS, 5, "en")
    recorder.add(series.TRAIN_TOKENS, 2, "en")
    recorder.add(series.TRAIN_TOKENS, 1, "es")
    recorder.add(series.TRAIN_NOT_FINITE, 1, "loss")
    recorder.add(series.ITEMS, 3, "sums", "en")
    recorder.observe(series.CHECKPOINT_SECONDS, 0.5)
    assert recorder.take_figures() == {
        "tokens.en": 7,
        "tokens.es": 1,
        figures.NOT_FINITE: 1,
        figures.ITEMS: 3,
        figures.CHECKPOINTS: 1,
        figures.CHECKPOINT_SECONDS: 0.5,
    }


def test_figures_are_those_of_one_attempt() -> None:
    recorder = Recorder()
    recorder.add(series.STEP_RESUMES, 1)
    assert recorder.take_figures() == {figures.RESUMED: 1}
    assert recorder.take_figures() == {}


def test_a_request_of_the_store_counts_with_bytes_retries_and_failures() -> None:
    recorder, registry = exposed()
    recorder.request(Request("put", failed=False, seconds=0.1, retries=2, written=7))
    recorder.request(Request("get", failed=True, seconds=0.1))
    assert recorder.take_figures() == {
        figures.STORE_REQUESTS: 2,
        figures.STORE_ERRORS: 1,
        figures.STORE_RETRIES: 2,
        "store_bytes.written": 7,
    }
    text = shown(registry)
    assert 'clt_store_requests_total{operation="put",result="ok"} 1.0' in text
    assert 'clt_store_requests_total{operation="get",result="error"} 1.0' in text
    assert 'clt_store_retries_total{operation="put"} 2.0' in text


def test_a_counter_is_shown_before_it_counts() -> None:
    _, registry = exposed()
    assert 'clt_store_requests_total{operation="multipart",result="error"} 0.0' in shown(registry)
    assert "clt_step_resumes_total 0.0" in shown(registry)


def test_gauges_are_about_the_step_at_work_and_counters_go_on() -> None:
    recorder, registry = exposed()
    recorder.begin({"model": "small", "k": "20"}, 1)
    recorder.set(series.TRAIN_LOSS, 2.5)
    recorder.add(series.TRAIN_TOKENS, 5, "en")
    recorder.begin({"model": "large"}, 3)
    text = shown(registry)
    assert 'model="large"' in text
    assert 'model="small"' not in text
    assert "clt_train_loss" not in text
    assert "clt_step_attempt 3.0" in text
    assert 'clt_train_tokens_total{language="en"} 5.0' in text
    recorder.set(series.TRAIN_LOSS, 1.5)
    assert "clt_train_loss 1.5" in shown(registry)


def test_what_a_document_does_not_say_of_a_run_is_an_empty_label() -> None:
    recorder, registry = exposed()
    recorder.begin({"model": "small", "secret": "no label of the series"}, 1)
    line = next(line for line in shown(registry).splitlines() if line.startswith("clt_run_info{"))
    assert 'model="small"' in line
    assert 'mix=""' in line
    assert "secret" not in line
