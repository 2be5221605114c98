from collections.abc import Iterator

import pytest
from support.api_server import ApiServer, api_server

from clt_operator.cluster import api, feed


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with api_server() as running:
        yield running


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "FIRST_PAUSE", 0.005)
    monkeypatch.setattr(feed, "FIRST_PAUSE", 0.02)
