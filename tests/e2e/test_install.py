"""From nothing to the first pod of a study, by the commands of the README.

Both figures are promises of the product. They are taken once, while the session's installation is
made: later the operator is no longer idle.
"""

import pytest
from e2e.harness.installation import Installation

FIRST_POD_SECONDS = 60
IDLE_BYTES = 120 * 2**20


def test_promise_the_first_pod_runs_within_a_minute(installation: Installation) -> None:
    print(f"e2e: install to first pod: {installation.first_pod_seconds:.1f} s")
    assert installation.first_pod_seconds < FIRST_POD_SECONDS


def test_promise_an_idle_operator_needs_less_than_120_mib(installation: Installation) -> None:
    if not installation.site.nodes:
        pytest.skip("KUBECONFIG is set: the processes of that cluster are not on this machine")
    for what, size in installation.idle_memory.items():
        print(f"e2e: idle operator, {what}: {size / 2**20:.0f} MiB")
    assert max(installation.idle_memory.values()) < IDLE_BYTES


def test_promise_an_operator_with_stores_open_needs_less_than_120_mib(
    installation: Installation,
) -> None:
    """Studies of other modules, or the first one, had it open stores; it is idle again."""
    if not installation.site.nodes:
        pytest.skip("KUBECONFIG is set: the processes of that cluster are not on this machine")
    for what, size in (found := installation.operator_memory()).items():
        print(f"e2e: operator with stores open, {what}: {size / 2**20:.0f} MiB")
    assert max(found.values()) < IDLE_BYTES


def test_the_operator_runs_once_and_was_never_restarted(installation: Installation) -> None:
    (pod,) = installation.operator_pods()
    (status,) = pod["status"]["containerStatuses"]
    assert status["ready"]
    assert status["restartCount"] == 0


def test_the_release_passes_its_own_test(installation: Installation) -> None:
    said = installation.run("helm", "test", "clt", "-n", "clt-system", "--timeout", "2m")
    assert "Succeeded" in said
