"""Promise 6: 75 is free, 74 counts, 65 is final, a lost process is free up to a cap."""

import pytest

from clt_operator.reconcile.observed import Attempt
from clt_operator.reconcile.policy import Policy
from clt_operator.reconcile.retries import judge


def tried(*outcomes):
    return tuple(Attempt(at + 1, outcome) for at, outcome in enumerate(outcomes))


@pytest.mark.parametrize("outcome", ["transient", "failed", "out-of-memory"])
def test_counted_failures_end_a_step_at_the_limit(outcome):
    assert not judge(tried(*[outcome] * 2), Policy(attempts=3)).exhausted
    assert judge(tried(*[outcome] * 3), Policy(attempts=3)).exhausted


def test_counted_failures_add_up_over_their_kinds():
    assert judge(tried("transient", "failed", "out-of-memory"), Policy()).exhausted


def test_saved_and_lost_races_are_free():
    assert not judge(tried(*["saved", "lost-race"] * 100), Policy()).exhausted


def test_an_input_at_fault_is_final_at_once():
    assert judge(tried("saved", "input-at-fault"), Policy()).exhausted


def test_lost_is_free_up_to_its_own_cap():
    assert not judge(tried(*["lost"] * 20, "failed", "failed"), Policy(lost=20)).exhausted
    assert judge(tried(*["lost"] * 21), Policy(lost=20)).exhausted


def test_a_claim_whose_holder_is_gone_counts_as_lost():
    attempts = (*tried(*["lost"] * 20), Attempt(21, None, "gone"))
    assert judge(attempts, Policy(lost=20)).exhausted


def test_the_reason_is_the_last_message():
    attempts = (Attempt(1, "failed", message="first"), Attempt(2, "failed", message="second"))
    assert judge(attempts, Policy(attempts=2)).message == "second (attempt 2)"
