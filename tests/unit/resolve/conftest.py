"""A hub on this machine that answers as told, and remembers what it was asked."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class FakeHub:
    """``answers`` maps a path to (status, body, headers); ``asked`` holds (path, token header)."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, object, dict[str, str]]] = {}
        self.asked: list[tuple[str, str | None]] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.asked.append((self.path, self.headers.get("Authorization")))
                status, body, headers = hub.answers.get(self.path, (404, {}, {}))
                if status == 0:  # hangs up without a word
                    self.connection.close()
                    return
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def holds(self, what: str, name: str, revision: str = "main", **body: object) -> None:
        self.answers[f"/api/{what}/{name}/revision/{revision}"] = (200, body, {})

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hub():
    made = FakeHub()
    yield made
    made.close()


@pytest.fixture
def second_hub():
    made = FakeHub()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def no_hub_of_the_machine(monkeypatch):
    for name in ("HF_ENDPOINT", "HF_TOKEN", "http_proxy", "https_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
