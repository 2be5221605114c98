"""Launches are granted by the clock."""

from clt_operator.drivers.cluster.rate import Rate


def test_a_burst_then_the_rate():
    now = [0.0]
    rate = Rate(10, 20, lambda: now[0])
    assert rate.take(50) == 20
    assert rate.take(50) == 0
    assert rate.wait() == 0.1
    now[0] = 1.0
    assert rate.take(50) == 10


def test_a_changed_limit_counts_from_now_on():
    now = [0.0]
    rate = Rate(1, 1, lambda: now[0])
    assert rate.take(5) == 1
    rate.set(100)
    now[0] = 10.0
    assert rate.take(1000) == 200


def test_what_was_not_used_is_given_back():
    rate = Rate(10, 20, clock=lambda: 0.0)
    assert rate.take(20) == 20
    rate.give_back(15)
    assert rate.take(20) == 15
