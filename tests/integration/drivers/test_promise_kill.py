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
    steps = study(world)
    luck = random.Random(SEED)  # noqa: S311 - moments, not secrets
    kills, manifests = 0, {}
    for _ in range(MOMENTS):
        driver = world.start(*steps, batch=2)
        # The wait is the experiment: the moment of death is anywhere in the run.
        time.sleep(luck.uniform(0.2, 1.2))
        kills += driver.poll() is None
        driver.kill()
        driver.wait()
        world.kill_children()
        world.eventually(lambda: not world.children(), "the children are gone")
        for key in world.artifacts.committed():  # what was committed stays as it was
            found = world.artifacts.manifest(key)
            assert manifests.setdefault(key, found) == found
    result = world.run(*steps, batch=2)
    assert result.finished == "complete"
    assert kills >= MOMENTS // 4, "the runs were too short to be disturbed"

    keys = {world.key(steps, step["name"]) for step in steps}
    assert world.artifacts.committed() == keys
    for key in keys:
        outcomes = Counter(world.outcomes(key))
        assert outcomes["committed"] == 1
        assert None not in outcomes, "an attempt without an outcome"
        assert set(outcomes) <= {"committed", "lost"}

    disturbed = digests(world.artifacts)
    world.store = str(tmp_path / "undisturbed")
    world.artifacts = type(world.artifacts)(world.drive.open_store(world.store))
    assert world.run(*steps, batch=2).finished == "complete"
    assert disturbed == digests(world.artifacts)
