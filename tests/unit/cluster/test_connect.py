"""Where address and credentials come from: as kubectl would find them."""

import datetime
import os
import sys
import textwrap

import pytest
import yaml
from kubernetes.client import Configuration
from support.api_server import Reply, status

from clt_operator.cluster import connect
from clt_operator.cluster.api import Api
from clt_operator.cluster.connect import configure
from clt_operator.cluster.errors import ClusterError, Forbidden


def kubeconfig(path, server="http://one", user=None, current="lab", namespace="team"):
    context = {"cluster": "c", "user": "u", **({"namespace": namespace} if namespace else {})}
    content = {
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user or {"token": "secret-token"}}],
        "contexts": [
            {"name": "lab", "context": context},
            {"name": "other", "context": {"cluster": "c", "user": "u"}},
        ],
    }
    if current:
        content["current-context"] = current
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("KUBECONFIG", connect.IN_CLUSTER, "KUBERNETES_SERVICE_PORT"):
        monkeypatch.delenv(name, raising=False)


def test_the_context_gives_the_namespace(tmp_path):
    path = kubeconfig(tmp_path / "k")
    assert configure(Configuration(), None, str(path)) == (f"context 'lab' of {path}", "team")
    assert configure(Configuration(), "other", str(path))[1] == "default"


def test_a_named_file_comes_before_the_environment_and_home(tmp_path, monkeypatch):
    home = tmp_path / "home/.kube"
    home.mkdir(parents=True)
    kubeconfig(home / "config", "http://home")
    configuration = Configuration()
    configure(configuration, None, None)
    assert configuration.host == "http://home"
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "env", "http://env")))
    configure(configuration, None, None)
    assert configuration.host == "http://env"
    configure(configuration, None, str(kubeconfig(tmp_path / "named", "http://named")))
    assert configuration.host == "http://named"


def test_of_several_files_the_first_current_context_counts(tmp_path, monkeypatch):
    first = kubeconfig(tmp_path / "a", current="")
    second = kubeconfig(tmp_path / "b", current="other")
    third = kubeconfig(tmp_path / "c", current="lab")
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, (first, second, third))))
    assert configure(Configuration(), None, None)[0].startswith("context 'other'")


def test_of_two_users_with_one_name_the_first_counts(tmp_path, monkeypatch):
    first = kubeconfig(tmp_path / "a", user={"token": "right"})
    second = kubeconfig(tmp_path / "b", user={"token": "wrong"})
    monkeypatch.setenv("KUBECONFIG", f"{first}{os.pathsep}{second}")
    configuration = Configuration()
    configure(configuration, None, None)
    assert configuration.api_key["BearerToken"] == "Bearer right"


def test_files_that_are_missing_are_passed_over(tmp_path, monkeypatch):
    path = kubeconfig(tmp_path / "b")
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'none'}{os.pathsep}{path}")
    assert configure(Configuration(), None, None)[1] == "team"


def test_nothing_found_says_what_was_tried(tmp_path, monkeypatch):
    with pytest.raises(ClusterError, match=r"~/\.kube/config \(no such file\).*set KUBECONFIG"):
        configure(Configuration(), None, None)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(ClusterError, match=r"none \(no such file\)"):
        configure(Configuration(), None, None)
    with pytest.raises(ClusterError, match="no kubeconfig at"):
        configure(Configuration(), None, str(tmp_path / "none"))


def test_an_unknown_context_lists_the_known(tmp_path):
    path = str(kubeconfig(tmp_path / "k"))
    with pytest.raises(ClusterError, match="has no context 'x': it has 'lab', 'other'"):
        configure(Configuration(), "x", path)


def test_no_current_context_asks_for_one(tmp_path):
    path = str(kubeconfig(tmp_path / "k", current=""))
    with pytest.raises(ClusterError, match="pass --context 'lab', 'other'"):
        configure(Configuration(), None, path)


@pytest.mark.parametrize("content", ["hello", "[1, 2]", "a: [", "", "clusters: 3", "contexts: [1]"])
def test_what_is_no_kubeconfig_is_said_without_a_traceback(tmp_path, content):
    path = tmp_path / "k"
    path.write_text(content)
    with pytest.raises(ClusterError, match=str(path)):
        configure(Configuration(), None, str(path))


def test_a_missing_certificate_is_said(tmp_path):
    path = kubeconfig(tmp_path / "k", "https://one", {"client-certificate": "gone.crt"})
    with pytest.raises(ClusterError, match=r"File does not exist: .*gone\.crt"):
        configure(Configuration(), None, str(path))


def login(tmp_path, body):
    """A kubeconfig user whose credentials a command makes."""
    script = tmp_path / "login.py"
    script.write_text(textwrap.dedent(body))
    api = "client.authentication.k8s.io/v1"
    return {"exec": {"apiVersion": api, "command": sys.executable, "args": [str(script)]}}


def test_a_login_command_is_run_again_before_its_token_expires(tmp_path, server, monkeypatch):
    monkeypatch.setattr(connect, "TOKEN_SECONDS", 0.0)
    count = tmp_path / "count"
    count.write_text("")
    soon = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=1)).isoformat()
    user = login(
        tmp_path,
        f"""
        import json, pathlib
        count = pathlib.Path({str(count)!r})
        count.write_text(count.read_text() + "x")
        status = {{"token": "t" + str(len(count.read_text())), "expirationTimestamp": {soon!r}}}
        api = "client.authentication.k8s.io/v1"
        print(json.dumps({{"apiVersion": api, "kind": "ExecCredential", "status": status}}))
        """,
    )
    path = kubeconfig(tmp_path / "k", f"http://127.0.0.1:{server.port}", user)
    api = Api.connect(kubeconfig=str(path))
    for _ in range(2):
        api.version()
    sent = [request.headers["authorization"] for request in server.requests]
    assert len(set(sent)) == 2
    assert all(value.startswith("Bearer t") for value in sent)


def test_a_login_command_that_fails_is_named(tmp_path):
    path = kubeconfig(tmp_path / "k", user=login(tmp_path, "raise SystemExit(3)"))
    with pytest.raises(ClusterError, match=r"the login command .* of context 'lab'"):
        configure(Configuration(), None, str(path))


# In a pod


@pytest.fixture
def account(tmp_path, monkeypatch):
    """What a pod finds of its service account."""
    directory = tmp_path / "account"
    directory.mkdir()
    (directory / "token").write_text("first\n")
    (directory / "ca.crt").write_text("certificate")
    (directory / "namespace").write_text("clt-system\n")
    monkeypatch.setattr(connect, "SERVICE_ACCOUNT", directory)
    monkeypatch.setenv(connect.IN_CLUSTER, "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    return directory


def test_a_pod_uses_its_service_account(account):
    configuration = Configuration()
    assert configure(configuration, None, None) == ("the pod's service account", "clt-system")
    assert configuration.host == "https://10.96.0.1:443"
    assert configuration.ssl_ca_cert == str(account / "ca.crt")


def test_a_kubeconfig_comes_before_the_service_account(account, tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "k")))
    assert configure(Configuration(), None, None)[0].startswith("context 'lab'")


def test_an_account_without_a_token_is_said(account):
    (account / "token").unlink()
    with pytest.raises(ClusterError, match=r"the pod's service account: .*token"):
        configure(Configuration(), None, None)


def test_a_token_of_a_pod_is_read_again(account, monkeypatch):
    monkeypatch.setattr(connect, "TOKEN_SECONDS", 0.0)
    connection = connect.Connection(None, None, 1)
    assert connection._authorization() == "bearer first"  # a trailing newline is no header
    (account / "token").write_text("second")
    later = datetime.datetime.now() + datetime.timedelta(minutes=2)

    class Later(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return later

    from kubernetes.config import incluster_config

    monkeypatch.setattr(incluster_config.datetime, "datetime", Later)
    assert connection._authorization() == "bearer second"


def test_the_header_is_not_made_anew_for_every_request(account):
    connection = connect.Connection(None, None, 1)
    connection._authorization()
    (account / "token").unlink()
    assert connection._authorization() == "bearer first"


def test_refused_credentials_make_the_file_be_read_again(tmp_path, server, monkeypatch):
    monkeypatch.setattr(connect, "RELOAD_SECONDS", 0.0)
    address = f"http://127.0.0.1:{server.port}"
    path = kubeconfig(tmp_path / "k", address, {"token": "old"})
    api = Api.connect(kubeconfig=str(path))
    kubeconfig(path, address, {"token": "new"})

    def only_new(request):
        if request.headers["authorization"] == "Bearer new":
            return Reply(200, {"gitVersion": "v1"})
        return status(401, "Unauthorized")

    server.faults.extend([only_new] * 2)
    assert api.version() == {"gitVersion": "v1"}
    server.fail(*[status(401, "Unauthorized")] * 2)
    with pytest.raises(Forbidden):
        api.version()
