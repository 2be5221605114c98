"""How a status names the requests that it has answered."""

from clt_operator.api.requests import LONGEST, handled
from clt_operator.api.status import ExperimentStatus


def test_requests_are_named_as_they_are_written():
    assert handled("", "") == ""
    assert handled("2026-01-01T00:00:00Z", "") == "2026-01-01T00:00:00Z"
    assert handled("a", "b 12ab") == "a|b 12ab"


def test_promise_a_request_of_any_length_fits_into_a_status():
    keys = "2026-01-01T00:00:00Z " + " ".join("f" * 64 for _ in range(5000))
    named = handled("", keys)
    assert len(named) <= LONGEST
    assert ExperimentStatus(handledRequest=named)
    assert named == handled("", keys)
    assert named != handled("", keys + "f")
