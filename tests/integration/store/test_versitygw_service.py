"""Where the gateway cannot be built, tests are skipped with the reason, or fail under CI."""

from pathlib import Path

import pytest
from services import versitygw


@pytest.fixture
def without_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("without_go")
def test_without_go_the_reason_is_said_in_a_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="Go is not installed"):
        versitygw.built_or_skipped()


@pytest.mark.usefixtures("without_go")
def test_under_ci_a_gateway_that_cannot_be_built_is_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="Go is not installed"):
        versitygw.built_or_skipped()


def test_a_gateway_is_stopped_by_its_process_id(gateway: versitygw.Gateway, tmp_path: Path) -> None:
    with versitygw.running(versitygw.build(), tmp_path) as second:
        assert second.pid != gateway.pid
        assert Path(f"/proc/{second.pid}").exists()
    assert not Path(f"/proc/{second.pid}").exists()
    assert Path(f"/proc/{gateway.pid}").exists()
