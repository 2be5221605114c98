"""What the ``kubernetes`` package's SharedInformer lists and watches through.

The informer keeps the loop "list once, then watch from there, list again after 410". Everything
that makes the loop safe is here, in the function that it calls: lists in pages, trimmed objects,
bookmarks, a time limit on the server and a slightly longer one on the silence of the
connection, pauses that grow, and the resource version to go on from
(docs/decisions/0012-list-and-watch.md).
"""

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from socket import SHUT_RDWR
from types import SimpleNamespace
from typing import Any

import urllib3
from kubernetes.client.exceptions import ApiException
from urllib3 import exceptions as http

from clt_operator.cluster.api import Api, drop, lines_of
from clt_operator.cluster.errors import ClusterError, Gone, Where
from clt_operator.cluster.resources import Resource

log = logging.getLogger(__name__)

WATCH_SECONDS = 45, 60  # after which the server ends a watch; a bookmark comes just before
GRACE_SECONDS = 5.0  # of silence beyond that
ANSWER_SECONDS = 10.0  # for the head of the answer to a watch
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0  # seconds between tries
STEADY_SECONDS = 2.0  # a watch that ends sooner, without an event, counts as failed
TRIES_BEFORE_LIST = 3  # of a watch that the server refuses in another way than 410
# The informer looks whether it was stopped when an event comes, and only then.
NOTHING = b'{"type": "BOOKMARK", "object": {}}\n'

Object = dict[str, Any]
Trim = Callable[[Object], Object]


class Feed:
    def __init__(
        self,
        api: Api,
        resource: Resource,
        namespace: str,
        *,
        labels: str,
        trim: Trim,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.api = api.limited(patience=0)  # the pauses are ours
        self.resource, self.namespace, self.labels = resource, namespace, labels
        self.listed = threading.Event()  # set once the first list is in the cache
        self.kept: Callable[[], list[Object]] = list  # what the informer has in its cache
        self._stopping = threading.Event()
        self._problem = ""
        self._trim, self._clock = trim, clock
        self._contact = self._failed_at = clock()
        self._version = ""  # the resource version to go on from; empty: list
        self._failures = 0
        self._open: urllib3.BaseHTTPResponse | None = None

    def silence(self) -> float:
        """Seconds since the server last said something."""
        return self._clock() - self._contact

    @property
    def problem(self) -> str:
        """Why the last try failed; empty where the server has answered since."""
        return self._problem if self._failed_at >= self._contact else ""

    def call(self, *, watch: bool = False, **_: Any) -> Any:
        """The informer's ``list_func``: a list, or with ``watch`` an open answer.

        Returns when it has one, however long that takes; after ``stop`` at once, with what
        changes nothing. Raises ApiException 410 where the informer has to list again.
        """
        if not watch:
            return self._until_it_works(self._list) or _listed(self.kept(), "0")
        answer = self._until_it_works(self._watch)
        return answer or Answer(None, lambda _: iter([NOTHING]))

    def stop(self) -> None:
        self._stopping.set()
        if self._open is not None:
            _shut(self._open)

    def _until_it_works(self, attempt: Callable[[], Any]) -> Any:
        """What ``attempt`` returns at last; None after ``stop``."""
        while True:
            if self._failures:
                top = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._failures, 10))
                self._stopping.wait(random.uniform(top / 4, top))  # noqa: S311
            if self._stopping.is_set():
                return None
            try:
                return attempt()
            except ClusterError as error:
                if self._version and isinstance(error, Gone):
                    self._answered()
                self._failed(str(error))
                refused = error.status >= 400 and self._failures >= TRIES_BEFORE_LIST
                if self._version and (refused or isinstance(error, Gone)):
                    self._version = ""
                    raise ApiException(status=410, reason="list again") from error

    def _list(self) -> SimpleNamespace | None:
        items: list[Object] = []
        version = ""
        for page in self.api.pages(self.resource, self.namespace, self.labels):
            items += map(self._trim, page.get("items") or ())
            version = page["metadata"]["resourceVersion"]
            self._contact = self._clock()
            if self._stopping.is_set():
                return None
        self._version = version
        self._well()
        return _listed(items, version)

    def _watch(self) -> "Answer":
        self.listed.set()
        if not self._version:
            raise ApiException(status=410, reason="list again")
        seconds = random.randint(*WATCH_SECONDS)  # noqa: S311
        params = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(seconds),
            "labelSelector": self.labels,
        }
        where = Where(
            "watch", str(self.resource), "", self.namespace, self.api.server, self.api.origin
        )
        response = self.api.stream(
            self.resource.path(self.namespace), where, params, read_seconds=ANSWER_SECONDS
        )
        _allow_silence(response, seconds + GRACE_SECONDS)
        self._open = response
        if self._stopping.is_set():
            _shut(response)
        self._contact = self._clock()
        return Answer(response, self._lines)

    def _lines(self, response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        """The events as the informer reads them, trimmed. Ends quietly whatever goes wrong: the
        informer calls again, and the version is advanced only past what it has taken in."""
        begun = self._clock()
        try:
            for line in lines_of(response):
                event = json.loads(line)
                kind, item = event["type"], event["object"]
                if kind == "ERROR":
                    self._refused(item)
                    return
                self._contact = self._clock()
                if kind != "BOOKMARK":
                    trimmed = {"type": kind, "object": self._trim(item)}
                    yield json.dumps(trimmed).encode() + b"\n"
                self._version = item["metadata"]["resourceVersion"]
                self._well()
        except (http.HTTPError, OSError, ValueError) as error:  # ValueError: cut in the middle
            self._failed(f"the watch of {self.resource} broke: {type(error).__name__}")
        except Exception as error:
            log.exception("an event of %s", self.resource)
            self._failed(f"an event of {self.resource} is not understood: {error!r}")
        else:
            if self._clock() - begun < STEADY_SECONDS:
                self._failed(f"the watch of {self.resource} ended at once")

    def _refused(self, status: Object) -> None:
        if status.get("code") == 410:
            self._version = ""
            self._answered()
        self._failed(f"the watch of {self.resource} was ended: {status.get('message', '')}")

    def _answered(self) -> None:
        """The server is there and has forgotten our version: the pauses that grew while it was
        away would only keep us from the list."""
        self._contact, self._failures = self._clock(), 0

    def _failed(self, problem: str) -> None:
        self._failures += 1
        if not self._stopping.is_set() and problem != self._problem:
            log.warning("%s", problem)
        self._problem, self._failed_at = problem, self._clock()

    def _well(self) -> None:
        if self._problem:
            log.info("%s are followed again", self.resource)
        self._problem, self._failures = "", 0


class Answer:
    """An open watch in the shape that the informer reads and ends."""

    status = 200

    def __init__(
        self,
        response: urllib3.BaseHTTPResponse | None,
        lines: Callable[[Any], Iterator[bytes]],
    ) -> None:
        self._response, self._lines = response, lines

    def stream(self, **_: Any) -> Iterator[bytes]:
        return self._lines(self._response)

    def close(self) -> None:
        if self._response is not None:
            drop(self._response)

    def release_conn(self) -> None:
        """Done by ``close``."""


def _listed(items: list[Object], version: str) -> SimpleNamespace:
    return SimpleNamespace(items=items, metadata=SimpleNamespace(resource_version=version))


def _allow_silence(response: urllib3.BaseHTTPResponse, seconds: float) -> None:
    """Only the head of the answer has to come soon."""
    if (socket := _socket(response)) is not None:
        socket.settimeout(seconds)


def _shut(response: urllib3.BaseHTTPResponse) -> None:
    """Wakes the thread that reads the answer."""
    if (socket := _socket(response)) is not None:
        with suppress(OSError):
            socket.shutdown(SHUT_RDWR)


def _socket(response: urllib3.BaseHTTPResponse) -> Any:
    return getattr(getattr(response, "connection", None), "sock", None)
