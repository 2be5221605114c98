"""What becomes of a world where one rank fares otherwise than the rest: nobody waits for ever."""

from pathlib import Path

import pytest
from support.worlds import worlds

from clt_operator.api.step import Input, StepDocument, make_step

pytestmark = pytest.mark.xdist_group("unequal-ranks")  # what it is made of is made once

PLUGIN = Path(__file__).parent / "plugin"
ENTRY_POINTS = """\
[clt.step_kinds]
chorus = clt_chorus_kind:chorus
[clt.step_params]
chorus = clt_chorus_kind:ChorusParams
"""


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    site = tmp_path_factory.mktemp("site")
    info = site / "clt_chorus_kind-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: clt-chorus-kind\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PLUGIN))
        patch.syspath_prepend(str(site))
        yield


@pytest.fixture
def world(tmp_path, plugin):
    with worlds(str(tmp_path / "store"), tmp_path) as made:
        yield made


@pytest.fixture
def step(world):
    def make(name="song", **parts: str) -> str:
        from clt_chorus_kind import ChorusParams

        from clt_operator.api.step import Work

        hints = {rank.removeprefix("rank"): part for rank, part in parts.items()}
        made = make_step(Work(ChorusParams(name=name)), tuple[Input, ...](), {}, hints)
        world.artifacts.put_document(StepDocument.of(made))
        return made.key

    return make


def test_steps_go_in_lockstep_and_one_that_fails_alike_does_not_stop_the_next(world, step):
    bad = step("bad", rank0="be at fault", rank1="be at fault")
    good = step("good")
    assert world.run(bad, good, nodes=2) == [65, 65], world.log()
    assert world.outcomes(bad) == ["input-at-fault"]
    assert world.outcomes(good) == ["committed"]


def test_the_fault_of_another_rank_is_the_fault_of_the_attempt(world, step):
    key = step(rank1="be at fault")
    assert world.run(key, nodes=2) == [65, 65], world.log()
    (state,) = world.artifacts.attempts(key)
    assert state.outcome.outcome == "input-at-fault"
    assert state.outcome.message == "rank 1 (node 1): row 3 is not JSON"


def test_a_fault_of_rank_0_ends_the_others(world, step):
    key = step(rank0="stumble")
    assert world.run(key, per_node=2) == [74], world.log()
    assert world.outcomes(key) == ["transient"]


def test_rank_0_stops_waiting_for_a_dead_rank_whatever_it_is_doing(world, step):
    key = step(rank0="hang", rank1="die")
    assert world.run(key, nodes=2) == [74, 74], world.log()
    assert world.outcomes(key) == [None], "the driver sees how the pods ended"
    assert b"rank 0 sings song" in world.artifacts.log(key, 1)


def test_nobody_outlives_rank_0(world, step):
    key = step(rank0="die", rank1="hang")
    assert world.run(key, nodes=2) == [74, 74], world.log()
    assert world.outcomes(key) == [None]
