"""The local driver with real processes and a real store."""

import signal
import time

import pytest


def diamond(world):
    return (
        world.step("rows"),
        world.step("left", "rows"),
        world.step("right", "rows"),
        world.step("report", "left", "right"),
    )


class Seen:
    figures_every = None

    def __init__(self):
        self.events, self.statuses = [], []

    def on_start(self, status):
        self.statuses.append(status)

    def on_status(self, status):
        self.statuses.append(status)

    def on_step(self, step, event, message):
        self.events.append((step.labels["name"], event, message))

    def on_figures(self, step, figures):
        pass

    def on_stop(self, jobs):
        pass

    def on_finish(self, result):
        self.result = result


def objects(world) -> dict[str, float]:
    return {o.name: o.modified for o in world.artifacts.store.list("")}


def test_a_graph_runs_to_its_report_in_order(world):
    steps, seen = diamond(world), Seen()
    result = world.run(*steps, observer=seen)
    assert (result.finished, result.jobs, result.committed) == ("complete", 4, 4)
    begun = world.begun()
    assert sorted(begun) == ["left", "report", "right", "rows"]
    assert (begun[0], begun[-1]) == ("rows", "report")
    for step in steps:
        assert world.outcomes(world.key(steps, step["name"])) == ["committed"]
    assert [e for e in seen.events if e[0] == "report"] == [
        ("report", "started", ""),
        ("report", "committed", ""),
    ]
    assert seen.result is result
    assert list((world.root / "scratch").iterdir()) == []


def test_promise_nothing_is_computed_twice_and_a_second_apply_is_quick(world):
    steps = diamond(world)
    world.run(*steps)
    before = objects(world)
    begin = time.perf_counter()
    result = world.run(*steps)
    assert time.perf_counter() - begin < 0.5
    assert (result.finished, result.jobs) == ("complete", 0)
    assert objects(world) == before, "the driver wrote to the store though nothing changed"


def test_small_steps_share_a_process(world):
    rows = [world.step(f"row{at}") for at in range(6)]
    last = world.step("report", *(f"row{at}" for at in range(6)))
    result = world.run(*rows, last, batch=10)
    assert (result.finished, result.jobs, result.committed) == ("complete", 3, 7)


def test_promise_exit_codes_transient_is_counted(world):
    steps = (world.step("once", behaviour=("transient", "transient")),)
    assert world.run(*steps).finished == "complete"
    assert world.outcomes(world.key(steps, "once")) == ["transient", "transient", "committed"]


def test_promise_exit_codes_the_third_counted_failure_is_the_last(world):
    steps = (world.step("never", behaviour=("transient", "fail", "transient", "commit")),)
    result = world.run(*steps)
    assert result.finished == "failed"
    assert world.outcomes(world.key(steps, "never")) == ["transient", "failed", "transient"]
    assert "the wire is down" in result.status.failures[0].message
    assert world.run(*steps).jobs == 0, "applied again, it is still failed"
    assert world.run(*steps, retry_failed=True).finished == "complete"


def test_promise_exit_codes_an_input_at_fault_is_never_retried(world):
    steps = (
        world.step("bad", behaviour=("input",)),
        world.step("good"),
        world.step("report", "bad", "good"),
    )
    result = world.run(*steps)
    assert result.finished == "failed"
    assert result.failed == (world.key(steps, "bad"),)
    assert world.outcomes(world.key(steps, "bad")) == ["input-at-fault"]
    assert sorted(world.begun()) == ["bad", "good"], "other branches go on"
    assert result.status.failures[0].message == "row 3 is not JSON"


def test_promise_exit_codes_saved_is_free(world):
    steps = (world.step("stops", behaviour=("stop",) * 4),)
    assert world.run(*steps).finished == "complete"
    assert world.outcomes(world.key(steps, "stops")) == ["saved"] * 4 + ["committed"]


def test_a_killed_step_is_lost_and_free(world):
    steps = (world.step("killed", behaviour=("kill",) * 4),)
    assert world.run(*steps).finished == "complete"
    found = world.outcomes(world.key(steps, "killed"))
    assert found == ["lost"] * 4 + ["committed"]


@pytest.mark.parametrize(("how", "said"), [("vanish", "exit code 3"), ("quit", "exit code 0")])
def test_promise_nothing_is_forgotten_of_a_process_that_died(world, how, said):
    steps = (world.step("dies", behaviour=(how,)),)
    assert world.run(*steps).finished == "complete"
    key = world.key(steps, "dies")
    first = world.artifacts.attempts(key)[0].outcome
    assert (first.outcome, first.recorded_by) == ("failed", "driver")
    assert said in first.message
    assert b"begin dies" in world.artifacts.log(key, 1)


def test_a_runner_that_cannot_start_is_not_started_for_ever(world, monkeypatch):
    broken = world.root / "broken"
    (broken / "clt_jobs").mkdir(parents=True)
    (broken / "clt_jobs" / "__init__.py").write_text("raise ImportError('half an image')\n")
    monkeypatch.setenv("PYTHONPATH", str(broken))
    steps = (world.step("one"),)
    result = world.run(*steps)
    assert (result.finished, result.jobs) == ("failed", 3)
    assert "half an image" in result.status.failures[0].message


def test_a_failing_step_leaves_the_others_of_its_job_alone(world):
    rows = [world.step("a"), world.step("b", behaviour=("input",)), world.step("c")]
    steps = (*rows, world.step("report", "a", "b", "c"))
    result = world.run(*steps, batch=10, jobs=1)
    assert (result.finished, result.jobs, result.committed) == ("failed", 1, 2)


def test_steps_committed_inside_a_running_job_free_their_dependents(world):
    steps = (
        world.step("first"),
        world.step("second", behaviour=("gate",)),
        world.step("third"),
        world.step("next", "first"),
        world.step("report", "next", "second", "third"),
    )
    seen = Seen()

    def open_gate(step, event, message):
        Seen.on_step(seen, step, event, message)
        if step.labels["name"] == "next" and event == "committed":
            world.gate.touch()  # only now may the Job of first and second end

    seen.on_step = open_gate
    result = world.run(*steps, batch=10, jobs=2, observer=seen)
    assert (result.finished, result.jobs) == ("complete", 4)


def test_interrupted_children_save_and_the_next_apply_goes_on(world):
    steps = (world.step("long", behaviour=("gate", "commit")),)
    driver = world.start(*steps)
    world.eventually(world.begun, "the step begins")
    driver.send_signal(signal.SIGINT)
    assert driver.wait(30) == 130
    assert world.children() == []
    assert world.outcomes(world.key(steps, "long")) == ["saved"]
    assert world.run(*steps).finished == "complete"


def test_a_deaf_child_is_killed_after_the_grace_time(world):
    steps = (world.step("deaf", behaviour=("deaf",)),)
    driver = world.start(*steps, grace=0.5)
    world.eventually(world.begun, "the step begins")
    driver.terminate()
    assert driver.wait(30) == 130
    assert world.children() == []
    assert world.outcomes(world.key(steps, "deaf")) == ["lost"]


def test_a_second_interrupt_kills_at_once(world):
    steps = (world.step("deaf", behaviour=("deaf",)),)
    driver = world.start(*steps, grace=600.0)
    world.eventually(world.begun, "the step begins")
    driver.send_signal(signal.SIGINT)  # two signals, since equal ones that wait count once
    driver.send_signal(signal.SIGTERM)
    assert driver.wait(30) == 130
    assert world.children() == []


def test_a_child_that_outlived_its_driver_is_waited_for(world):
    steps = (
        world.step("long", behaviour=("gate",)),
        world.step("report", "long"),
    )
    driver = world.start(*steps)
    world.eventually(world.begun, "the step begins")
    driver.kill()
    driver.wait()
    (child,) = world.children()
    seen = Seen()

    def adopted(step, event, message):
        Seen.on_step(seen, step, event, message)
        if event == "adopted":
            assert world.children() == [child]
            world.gate.touch()

    seen.on_step = adopted
    result = world.run(*steps, observer=seen)
    assert result.finished == "complete"
    assert world.begun() == ["long", "report"], "the step was not begun a second time"
    assert ("long", "adopted", "") in seen.events
    assert world.outcomes(world.key(steps, "long")) == ["committed"]


def test_a_claim_whose_process_is_gone_is_lost_and_the_step_made(world):
    steps = (world.step("one"),)
    key = world.key(steps, "one")
    from clt_operator.drivers.process import this_host

    world.artifacts.claim(key, f"local:{this_host()}:{2**22 + 1}:7", "2026-01-01T00:00:00Z")
    world.artifacts.claim(key, "pod:of-long-ago", "2020-01-01T00:00:00Z")
    assert world.run(*steps).finished == "complete"
    assert world.outcomes(key) == ["lost", "lost", "committed"]


def test_stored_hints_do_not_hide_where_the_data_is_now(world):
    old = world.step("moved", behaviour=("fail",) * 3)
    assert world.run(old).finished == "failed"
    new = world.step("moved", trace=str(world.root / "another.txt"))
    assert world.run(new, retry_failed=True).finished == "complete"
