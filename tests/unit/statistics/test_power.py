import pytest
from hypothesis import given
from hypothesis import strategies as st

from clt_operator.plan.power import detection_threshold, minimum_detectable_effect


def test_250_binary_items_as_the_reference_study_states():
    assert detection_threshold(250) == pytest.approx(0.088, abs=5e-4)
    assert minimum_detectable_effect(250, 1, seed_sd=0) == pytest.approx(0.125, abs=5e-4)


@given(st.integers(1, 5000), st.integers(1, 20))
def test_more_items_or_seeds_never_hurt(items, seeds):
    here = minimum_detectable_effect(items, seeds)
    assert minimum_detectable_effect(items + 1, seeds) < here
    assert minimum_detectable_effect(items, seeds + 1) < here
    assert minimum_detectable_effect(items, seeds, shared=0.5) < here
    assert minimum_detectable_effect(items, seeds, comparisons=8) > here


def test_no_items_is_an_error():
    with pytest.raises(ValueError, match="at least 1"):
        minimum_detectable_effect(0, 1)
