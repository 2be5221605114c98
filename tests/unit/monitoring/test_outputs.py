"""What is checked in is what the generator makes."""

import pytest
from support.dashboards import CHART

from charts.monitoring.outputs import outputs

MADE = outputs()


@pytest.mark.parametrize("name", sorted(MADE))
def test_a_checked_in_file_is_what_the_generator_makes(name):
    assert (CHART / name).read_text("utf-8") == MADE[name], "run: make dashboards"


def test_making_them_again_gives_the_same_text():
    assert outputs() == MADE


def test_nothing_else_lies_beside_them():
    there = {
        str(path.relative_to(CHART))
        for folder in ("dashboards", "rules")
        for path in (CHART / folder).iterdir()
    }
    assert there == set(MADE)
