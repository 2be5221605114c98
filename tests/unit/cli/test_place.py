"""Where a command works: a store or a cluster, and the messages where it cannot tell."""

import pytest
from support.commands import cltctl

from clt_operator.cli.durations import seconds_of
from clt_operator.cli.place import Place, UsageError, place_of


@pytest.fixture
def kubeconfig(tmp_path, monkeypatch):
    path = tmp_path / "config"
    path.write_text("apiVersion: v1\nkind: Config\n")
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/missing:{path}")
    return str(path)


def test_a_kubeconfig_means_its_cluster(kubeconfig):
    assert place_of() == Place(True)
    assert place_of(context="lab", namespace="team") == Place(True, "team", context="lab")


def test_a_store_that_is_given_wins_over_a_kubeconfig(kubeconfig):
    assert place_of(store="s") == Place(False, store="s")
    assert place_of(local=True) == Place(False, local=True)
    assert not place_of(spec_store="s3://bucket/x").on_cluster
    assert place_of(spec_store="team-store").on_cluster


def test_without_a_kubeconfig_the_default_store_serves_where_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="neither a cluster nor a store") as told:
        place_of()
    assert all(way in str(told.value) for way in ("--kubeconfig", "--store", "--local"))
    (tmp_path / ".clt/store").mkdir(parents=True)
    assert place_of() == Place(False)


def test_a_cluster_that_is_named_wins_over_the_variable_but_not_over_the_option(monkeypatch):
    monkeypatch.setenv("CLT_STORE", "s")
    assert place_of(store="s", context="lab").on_cluster
    with pytest.raises(UsageError, match="--store means a store without a cluster"):
        place_of(store="other", context="lab")
    with pytest.raises(UsageError, match="--local means a store without a cluster"):
        place_of(local=True, kubeconfig="x")


def test_a_pod_is_on_its_cluster(monkeypatch):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    assert place_of().on_cluster


def test_verbs_that_need_a_cluster_say_so(applied):
    for verb in ("suspend", "resume", "cancel"):
        done = cltctl(verb, "small")
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("error: this needs a cluster, and there is no kubeconfig")


def test_what_was_given_is_given_to_the_next_command():
    assert place_of(context="lab", namespace="n").given == {
        "namespace": "n",
        "context": "lab",
        "kubeconfig": None,
    }
    assert place_of(store="s").given == {"local": False, "store": "s", "namespace": None}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("90s", 90),
        ("1h30m", 5400),
        ("7d", 604800),
        ("1.5m", 90),
        ("10ms", 0.01),
    ],
)
def test_durations(text, seconds):
    assert seconds_of(text, "--timeout") == seconds


@pytest.mark.parametrize("text", ["", "soon", "5 m", "m", "1h30", "-5s"])
def test_what_is_no_duration(text):
    with pytest.raises(UsageError, match=r"--grace .*: write a duration such as 90s"):
        seconds_of(text, "--grace")
