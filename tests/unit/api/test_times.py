"""Times as records carry them."""

import pytest

from clt_operator.api.times import epoch, now, parse, rfc3339, seconds_between


def test_a_time_reads_back_at_every_precision():
    for precision, length in (("seconds", 20), ("milliseconds", 24), ("microseconds", 27)):
        text = rfc3339(precision)
        assert (len(text), text[-1]) == (length, "Z")
        assert parse(text).utcoffset().total_seconds() == 0
    assert len(now()) == 24


@pytest.mark.parametrize(
    ("begin", "end", "seconds"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:01:00.500Z", 60.5),
        ("2026-01-01T01:00:00+01:00", "2026-01-01T00:00:30Z", 30.0),
        ("2026-01-01T00:00:30Z", "2026-01-01T00:00:00Z", 0.0),
        ("", "2026-01-01T00:00:00Z", None),
        ("2026-01-01T00:00:00Z", "soon", None),
    ],
)
def test_how_long_between_two_times(begin, end, seconds):
    assert seconds_between(begin, end) == seconds


def test_what_is_no_time_is_the_epoch():
    assert epoch("1970-01-01T00:00:10Z") == 10.0
    assert epoch("") == 0.0
