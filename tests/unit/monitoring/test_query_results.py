"""What queries of the dashboards give where a plain one would err or show nothing, by promtool."""

import subprocess

import pytest
import yaml
from services.prometheus import program_or_skipped
from support.dashboards import dashboard, filled, queries

ANY = {"namespace": ".*", "experiment": ".*", "__rate_interval": "1m", "__range": "1h"}
TEAM = 'namespace="team", experiment="study"'


def query(board: str, panel: str, ref: str = "A", **values: str) -> str:
    found = [q for q in queries() if (q.dashboard, q.panel, q.ref) == (board, panel, ref)]
    assert len(found) == 1, found
    return filled(found[0].expression, {**ANY, **values})


@pytest.fixture
def gives(tmp_path):
    """Asserts the samples (labels to value) of an expression after so many minutes."""

    def check(expression, minutes, series, samples):
        case = {
            "interval": "1m",
            "input_series": [{"series": s, "values": v} for s, v in series.items()],
            "promql_expr_test": [
                {
                    "expr": expression,
                    "eval_time": f"{minutes}m",
                    "exp_samples": [{"labels": s, "value": v} for s, v in samples.items()],
                }
            ],
        }
        path = tmp_path / "case.yaml"
        path.write_text(yaml.safe_dump({"rule_files": [], "tests": [case]}))
        done = subprocess.run(
            [program_or_skipped("promtool"), "test", "rules", str(path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return check


def test_progress_is_one_row_while_a_leader_follows_another_and_tells_another_queue(gives):
    row = '{namespace="team", experiment="study", phase="Running", queue="%s"}'
    of = "clt_experiment_info{{{}, phase='Running', queue='{}', pod='{}'}}"
    expression = query("fleet", "Progress")
    series = {
        of.format(TEAM, "gpu", "a"): "1x5",
        of.format(TEAM, "", "b"): "_x5 1",
        f'clt_experiment_progress_ratio{{{TEAM}, pod="a"}}': "0.5x5",
    }
    gives(f"count({expression})", 7, series, {"{}": 1})
    gives(expression, 4, series, {row % "gpu": 0.5})


def test_an_attempt_that_is_the_first_of_its_kind_is_counted(gives):
    attempts = (
        'clt_step_attempts_total{namespace="team", experiment="%s", kind="train", outcome="failed"}'
    )
    gives(
        query("fleet", "Attempts that ended"),
        20,
        {attempts % "a": "_x5 1x30", attempts % "b": "_x8 1x30"},
        {'{outcome="failed"}': 2},
    )


def test_the_first_wait_in_a_queue_is_shown(gives):
    bucket = 'clt_step_queue_wait_seconds_bucket{kind="train", queue="q", le="%s"}'
    gives(
        query("fleet", "Time in the queue"),
        20,
        {bucket % "5": "_x5 1x30", bucket % "+Inf": "_x5 1x30"},
        {'{queue="q"}': 2.5},
    )


def test_a_pod_that_tells_no_run_shows_its_memory(gives):
    memory = 'clt_memory_bytes{{{}, pod="{}", state="resident"}}'
    gives(
        query("run", "Memory"),
        5,
        {
            memory.format(TEAM, "p0"): "1x5",
            memory.format(TEAM, "p1"): "9x5",
            f'clt_run_info{{{TEAM}, pod="p0", model="m"}}': "1x5",
        },
        {
            '{namespace="team", pod="p0", state="resident"}': 1,
            '{namespace="team", pod="p1", state="resident"}': 9,
        },
    )


@pytest.mark.parametrize(("board", "several"), [("run", True), ("transfer", False)])
def test_what_can_be_chosen_lies_within_what_is_chosen_before_it(board, several):
    chosen: list[str] = []
    for variable in dashboard(board)["templating"]["list"]:
        if variable["type"] == "query":
            assert all(f'"${name}"' in variable["query"] for name in chosen), variable["name"]
            chosen.append(variable["name"])
    namespace = next(v for v in dashboard(board)["templating"]["list"] if v["name"] == "namespace")
    assert bool(namespace.get("multi")) is several
