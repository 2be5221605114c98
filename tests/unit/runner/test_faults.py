"""The exit code of a Job is the worst of its steps."""

import errno

import pytest

from clt_jobs.runner.faults import LONGEST_MESSAGE, classify, worst


@pytest.mark.parametrize(
    ("codes", "expected"),
    [([], 0), ([0, 0], 0), ([0, 75], 75), ([75, 74], 74), ([74, 65, 0], 65), ([65, 1, 74], 1)],
)
def test_promise_exit_codes_of_a_job(codes, expected):
    assert worst(codes) == expected


def test_a_long_message_is_cut():
    message = classify(ValueError("x" * 10_000)).message
    assert len(message) == LONGEST_MESSAGE
    assert message.endswith("…")


def test_memory_of_the_system_counts_as_memory():
    assert classify(OSError(errno.ENOMEM, "Cannot allocate memory")).outcome == "out-of-memory"


def test_an_exception_without_text_is_named():
    assert classify(KeyError()).message == "KeyError"


def test_a_circle_of_causes_ends():
    first, second = ValueError("1"), ValueError("2")
    first.__cause__, second.__cause__ = second, first
    assert classify(first).outcome == "failed"
