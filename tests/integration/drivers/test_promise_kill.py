"""kill -9 of the driver and its children at random moments, then apply again: the same
artifacts as an undisturbed run, every step committed once, no attempt without an outcome."""

import random
import time
from collections import Counter

import pytest

MOMENTS = 20
SEED = 7


def study(world):
    rows = [world.step(f"rows{at}") for at in range(4)]
    models = [world.step(f"model{at}", f"rows{at}", f"rows{(at + 1) % 4}") for at in range(4)]
    cells = [world.step(f"cell{at}", f"model{at // 2}") for at in range(8)]
    report = world.step("report", *(cell["name"] for cell in cells))
    return (*rows, *models, *cells, report)


def digests(artifacts) -> dict[str, dict]:
    return {
        key: {
            name: [(file.path, file.size, file.sha256) for file in files]
            for name, files in artifacts.manifest(key).outputs.items()
        }
        for key in artifacts.committed()
    }


@pytest.mark.slow
def test_promise_kill_at_random_moments_loses_nothing(world, tmp_path):
    """A study that gets done before it was killed often enough is begun again in a new store:
    the number of kills does not depend on how quick the machine is."""
    steps = study(world)
    keys = {world.key(steps, step["name"]) for step in steps}
    luck = random.Random(SEED)  # noqa: S311 - moments, not secrets
    kills = rounds = 0
    disturbed = []
    while kills < MOMENTS:
        rounds += 1
        begin_in(world, tmp_path / f"killed-{rounds}")
        kills += disturb(world, steps, luck, MOMENTS - kills)
        assert world.run(*steps, batch=2).finished == "complete"
        assert world.artifacts.committed() == keys
        for key in keys:
            outcomes = Counter(world.outcomes(key))
            assert outcomes["committed"] == 1
            assert None not in outcomes, "an attempt without an outcome"
            assert set(outcomes) <= {"committed", "lost"}
        disturbed.append(digests(world.artifacts))

    begin_in(world, tmp_path / "undisturbed")
    assert world.run(*steps, batch=2).finished == "complete"
    assert disturbed == [digests(world.artifacts)] * rounds


def begin_in(world, store) -> None:
    world.store = str(store)
    world.artifacts = type(world.artifacts)(world.drive.open_store(world.store))


def disturb(world, steps, luck: random.Random, most: int) -> int:
    """Kills driver and children up to ``most`` times, until a driver gets to the end; returns
    how often it was alive to be killed."""
    kills, manifests = 0, {}
    while kills < most:
        driver = world.start(*steps, batch=2)
        # The wait is the experiment: the moment of death is anywhere in the run.
        time.sleep(luck.uniform(0.2, 1.2))
        alive = driver.poll() is None
        driver.kill()
        driver.wait()
        world.kill_children()
        world.eventually(lambda: not world.children(), "the children are gone")
        for key in world.artifacts.committed():  # what was committed stays as it was
            found = world.artifacts.manifest(key)
            assert manifests.setdefault(key, found) == found
        if not alive:
            break
        kills += 1
    return kills
