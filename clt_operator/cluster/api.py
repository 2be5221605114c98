"""Requests to an API server, in plain dicts.

Faults that may pass (no connection, 429, 5xx) are tried again with full jitter for ``patience``
seconds; a conflict and what the server refuses are the caller's. Every request has a connect and
a read timeout, so that a server that is frozen costs time, never the thread.
"""

import copy
import json
import random
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self
from urllib.parse import urlencode

import urllib3
from urllib3 import exceptions as http

from clt_operator.cluster.connect import CONNECT_SECONDS, Connection
from clt_operator.cluster.errors import (
    ClusterError,
    Conflict,
    Forbidden,
    Gone,
    NotFound,
    Unreachable,
    Where,
    explain,
)
from clt_operator.cluster.resources import PODS, Resource

READ_SECONDS = 20.0  # the server may queue a request for 15
FOLLOW_SECONDS = 4 * 3600.0  # a container may say nothing for hours; TCP keepalive finds the dead
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 8.0  # seconds, before jitter
LONGEST_HINT = 30.0  # seconds of a Retry-After that are believed
PAGE = 500
LIST_TRIES = 5  # of a list whose history is compacted while it is read

JSON = "application/json"
BRIEF = f"{JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1,{JSON}"
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"  # JSON is YAML
NOT_SENT = "NoConnection"  # reason of an Unreachable whose request never left
_BEFORE_SENDING = http.ConnectTimeoutError  # and its kinds: refused, no such name

Object = dict[str, Any]
Params = Mapping[str, str]


class Api:
    """One API server. Safe to share between threads."""

    def __init__(self, connection: Connection, *, user_agent: str = "cltctl") -> None:
        self._connection = connection
        self._headers = {"user-agent": user_agent, "accept": JSON}
        self._closed = threading.Event()
        self._counting = threading.Lock()
        self.patience = 30.0  # seconds over which faults that may pass are tried again
        self.read_seconds = READ_SECONDS
        self.connect_seconds = CONNECT_SECONDS
        self.requests: Counter[tuple[str, int]] = Counter()  # by method and status, 0 for none
        self._writes = [0]

    @staticmethod
    def connect(
        *,
        context: str | None = None,
        kubeconfig: str | None = None,
        user_agent: str = "cltctl",
        connections: int = 16,
    ) -> "Api":
        """By ``kubeconfig``, else KUBECONFIG, else ~/.kube/config, else as a pod. Sends nothing;
        raises ClusterError that says what was tried."""
        return Api(Connection(context, kubeconfig, connections), user_agent=user_agent)

    def limited(
        self,
        *,
        patience: float | None = None,
        read_seconds: float | None = None,
        connect_seconds: float | None = None,
    ) -> Self:
        """The same connections and counters with other limits in seconds."""
        other = copy.copy(self)
        other.patience = self.patience if patience is None else patience
        other.read_seconds = self.read_seconds if read_seconds is None else read_seconds
        other.connect_seconds = self.connect_seconds if connect_seconds is None else connect_seconds
        return other

    @property
    def namespace(self) -> str:
        """Of the context; "default" where it names none."""
        return self._connection.namespace

    @property
    def server(self) -> str:
        return self._connection.server

    @property
    def origin(self) -> str:
        """Where address and credentials came from, for people."""
        return self._connection.origin

    @property
    def writes(self) -> int:
        """Requests that changed something or may have: all but reads, dry runs and refusals."""
        return self._writes[0]

    def get(self, resource: Resource, name: str, namespace: str = "") -> Object:
        """Raises NotFound."""
        where = self._where("get", resource, name, namespace)
        return self._call("GET", resource.path(namespace, name), where)

    def find(self, resource: Resource, name: str, namespace: str = "") -> Object | None:
        try:
            return self.get(resource, name, namespace)
        except NotFound as error:
            if error.unserved:
                raise
            return None

    def list(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        labels: str = "",
        fields: str = "",
        page: int = PAGE,
    ) -> Iterator[Object]:
        """Every object once, page by page. Where the history of the list was compacted meanwhile
        (410) it starts again and leaves out what it has given."""
        given: set[str] = set()
        for left in reversed(range(LIST_TRIES)):
            try:
                for answer in self.pages(resource, namespace, labels, fields, page):
                    for item in answer.get("items") or ():
                        if (uid := item["metadata"]["uid"]) not in given:
                            given.add(uid)
                            yield item
            except Gone:
                if not left:
                    raise
            else:
                return

    def pages(
        self,
        resource: Resource,
        namespace: str = "",
        labels: str = "",
        fields: str = "",
        page: int = PAGE,
    ) -> Iterator[Object]:
        """The lists of one consistent state. Raises Gone when its history is compacted."""
        where = self._where("list", resource, "", namespace)
        params = {"limit": str(page), "labelSelector": labels, "fieldSelector": fields}
        params = {name: value for name, value in params.items() if value}
        path = resource.path(namespace)
        while True:
            answer = self._call("GET", path, where, params, zipped=True)
            yield answer
            following = (answer.get("metadata") or {}).get("continue")
            if not following:
                return
            params["continue"] = following

    def create(
        self,
        resource: Resource,
        body: Object,
        *,
        manager: str,
        dry_run: bool = False,
        strict: bool = False,
        brief: bool = False,
    ) -> Object:
        """Raises AlreadyExists; its ``perhaps_ours`` says that an earlier try of this very call
        may have made the object. ``brief``: only the metadata is wanted back, which costs both
        sides less."""
        name, namespace = _place(body)
        where = self._where("create", resource, name, namespace)
        params = _write_params(manager, dry_run, strict)
        path = resource.path(namespace)
        wanted = BRIEF if brief else ""
        return self._call("POST", path, where, params, body=body, sending=JSON, wanted=wanted)

    def apply(
        self,
        resource: Resource,
        body: Object,
        *,
        manager: str,
        force: bool = False,
        dry_run: bool = False,
        subresource: str = "",
        strict: bool = False,
    ) -> Object:
        """Server-side apply. Raises Conflict for fields of other managers unless ``force``."""
        name, namespace = _place(body)
        where = self._where("patch", resource, name, namespace, subresource)
        params = _write_params(manager, dry_run, strict)
        if force:
            params["force"] = "true"
        path = resource.path(namespace, name, subresource)
        return self._call("PATCH", path, where, params, body=body, sending=APPLY)

    def patch(
        self,
        resource: Resource,
        name: str,
        body: Object,
        *,
        namespace: str = "",
        manager: str,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Object:
        """Merge patch. With a ``metadata.resourceVersion`` it raises Conflict where the object
        has changed since; with a ``metadata.uid``, Invalid where it is another one."""
        where = self._where("patch", resource, name, namespace, subresource)
        path = resource.path(namespace, name, subresource)
        params = _write_params(manager, dry_run, strict=False)
        return self._call("PATCH", path, where, params, body=body, sending=MERGE)

    def delete(
        self,
        resource: Resource,
        name: str,
        *,
        namespace: str = "",
        uid: str = "",
        propagation: Literal["Background", "Foreground", "Orphan"] = "Background",
        grace: int | None = None,
        dry_run: bool = False,
    ) -> bool:
        """False where the object was gone, or is another one than ``uid``."""
        where = self._where("delete", resource, name, namespace)
        options: Object = {"propagationPolicy": propagation}
        if uid:
            options["preconditions"] = {"uid": uid}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        params = {"dryRun": "All"} if dry_run else {}
        path = resource.path(namespace, name)
        try:
            self._call("DELETE", path, where, params, body=options, sending=JSON)
        except NotFound as error:
            if error.unserved:
                raise
            return error.perhaps_ours
        except Conflict:
            if not uid:
                raise
            return False
        return True

    def pod_log(
        self,
        namespace: str,
        pod: str,
        *,
        container: str = "",
        follow: bool = False,
        tail: int | None = None,
        limit: int | None = None,
        previous: bool = False,
        timestamps: bool = False,
    ) -> Iterator[bytes]:
        """The lines of a container's log, without their ends. Close the iterator to stop."""
        where = self._where("get", PODS, pod, namespace, "log")
        params = {
            "container": container,
            "follow": "true" if follow else "",
            "tailLines": "" if tail is None else str(tail),
            "limitBytes": "" if limit is None else str(limit),
            "previous": "true" if previous else "",
            "timestamps": "true" if timestamps else "",
        }
        path = PODS.path(namespace, pod, "log")
        given = {name: value for name, value in params.items() if value}
        seconds = FOLLOW_SECONDS if follow else self.read_seconds
        response = self.stream(path, where, given, read_seconds=seconds)
        try:
            yield from lines_of(response)
        except (http.HTTPError, OSError) as error:
            raise self._unreachable(error, where) from error
        finally:
            drop(response)

    def served(self, group: str) -> dict[str, str]:
        """The version to use of each plural of a group; empty where the group is absent."""
        where = Where("get", f"the versions of {group}", "", "", self.server, self.origin)
        try:
            found = self._call("GET", f"/apis/{group}", where)
        except NotFound:
            return {}
        preferred = (found.get("preferredVersion") or {}).get("version")
        versions = [entry["version"] for entry in found.get("versions") or ()]
        plurals: dict[str, str] = {}
        for version in sorted(versions, key=lambda version: version != preferred):
            listed = self._call("GET", f"/apis/{group}/{version}", where)
            for entry in listed.get("resources") or ():
                if "/" not in entry["name"]:
                    plurals.setdefault(entry["name"], version)
        return plurals

    def version(self) -> Object:
        where = Where("get", "the version", "", "", self.server, self.origin)
        return self._call("GET", "/version", where)

    def stream(
        self, path: str, where: Where, params: Params, *, read_seconds: float
    ) -> urllib3.BaseHTTPResponse:
        """An open answer of status 200, for the caller to read and to ``drop``."""
        return self._send("GET", path, where, params, read_seconds=read_seconds, stream=True)

    def close(self) -> None:
        """Ends the waiting of calls that are being tried again."""
        self._closed.set()
        self._connection.close()

    def _call(
        self,
        method: str,
        path: str,
        where: Where,
        params: Params | None = None,
        *,
        body: Object | None = None,
        sending: str = "",
        wanted: str = "",
        zipped: bool = False,
    ) -> Object:
        response = self._send(
            method, path, where, params, body=body, sending=sending, wanted=wanted, zipped=zipped
        )
        try:
            answer = json.loads(response.data)
        except ValueError as error:
            message = f"cannot {where}: {self.server} answered no JSON: is it an API server?"
            raise ClusterError(message, status=response.status) from error
        return answer  # type: ignore[no-any-return]

    def _send(
        self,
        method: str,
        path: str,
        where: Where,
        params: Params | None = None,
        *,
        body: Object | None = None,
        sending: str = "",
        wanted: str = "",
        read_seconds: float | None = None,
        stream: bool = False,
        zipped: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        """The first answer of status 2xx within the patience; raises what ``explain`` makes of
        others."""
        if params:
            path += "?" + urlencode(params)
        headers, data = self._headers, None
        if body is not None:
            headers = {**headers, "content-type": sending}
            data = json.dumps(body, separators=(",", ":")).encode()
        if wanted:
            headers = {**headers, "accept": wanted}
        if zipped:  # a list of Jobs is twenty times smaller so, for time that noise hides
            headers = {**headers, "accept-encoding": "gzip"}
        read = self.read_seconds if read_seconds is None else read_seconds
        request = _Request(method, path, where, headers, data, read, stream)
        begun, tries, uncertain = time.monotonic(), 0, False
        while True:
            tries += 1
            try:
                return self._try(request)
            except Unreachable as error:
                failure = error
            except Forbidden as error:
                if error.status == 401 and tries == 1 and self._connection.renew():
                    continue
                raise
            except ClusterError as error:
                error.perhaps_ours = uncertain
                raise
            uncertain |= failure.reason != NOT_SENT and failure.status != 429
            jitter = random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**tries))  # noqa: S311
            pause, waited = failure.retry_after + jitter, time.monotonic() - begun
            if waited + pause > self.patience or self._closed.is_set():
                raise _after(failure, tries, waited)
            self._closed.wait(pause)

    def _try(self, request: "_Request") -> urllib3.BaseHTTPResponse:
        try:
            response = self._connection.request(
                request.method,
                request.path,
                request.data,
                request.headers,
                read_seconds=request.read_seconds,
                connect_seconds=self.connect_seconds,
                stream=request.stream,
            )
            if response.status < 300:
                self._count(request, response.status)
                return response
            data = response.data
        except (http.HTTPError, OSError) as error:
            self._count(request, 0)
            raise self._unreachable(error, request.where) from error
        self._count(request, response.status)
        failure = explain(response.status, _status(data), request.where)
        hint = response.headers.get("retry-after") or ""
        if hint.isdigit():
            failure.retry_after = min(float(hint), LONGEST_HINT)
        raise failure

    def _unreachable(self, error: Exception, where: Where) -> ClusterError:
        if isinstance(error, http.SSLError) and (said := _untrusted(error)):
            return ClusterError(
                f"cannot {where}: the certificate of {self.server} is not trusted ({said}): check "
                f"the address and the certificate authority in {self.origin}",
                reason="Untrusted",
            )
        return Unreachable(
            f"cannot {where}: no answer from {self.server} ({self.origin}): {_reason(error)}",
            reason=NOT_SENT if isinstance(error, _BEFORE_SENDING) else "NoAnswer",
        )

    def _where(
        self, verb: str, resource: Resource, name: str, namespace: str, subresource: str = ""
    ) -> Where:
        what = f"{resource}/{subresource}" if subresource else str(resource)
        return Where(verb, what, name, namespace, self.server, self.origin)

    def _count(self, request: "_Request", status: int) -> None:
        with self._counting:
            self.requests[request.method, status] += 1
            if request.writes and not 400 <= status < 500:
                self._writes[0] += 1


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str  # with its query
    where: Where
    headers: Params
    data: bytes | None
    read_seconds: float
    stream: bool

    @property
    def writes(self) -> bool:
        return self.method != "GET" and "dryRun=" not in self.path


def lines_of(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """The lines of an answer as they come, without their ends."""
    rest = bytearray()
    for piece in response.stream(None, decode_content=True):
        rest += piece
        if b"\n" not in piece:
            continue
        *whole, last = rest.split(b"\n")
        rest = last
        for line in whole:
            yield bytes(line)
    if rest:
        yield bytes(rest)


def drop(response: urllib3.BaseHTTPResponse) -> None:
    """Ends an answer that was not read to its end, and its connection."""
    response.close()
    response.release_conn()


def _place(body: Mapping[str, Any]) -> tuple[str, str]:
    metadata = body["metadata"]
    return metadata.get("name", ""), metadata.get("namespace", "")


def _write_params(manager: str, dry_run: bool, strict: bool) -> dict[str, str]:
    params = {"fieldManager": manager}
    if dry_run:
        params["dryRun"] = "All"
    if strict:
        params["fieldValidation"] = "Strict"
    return params


def _status(data: bytes) -> Object:
    """The Status in an answer; what else was there becomes its message."""
    try:
        answer = json.loads(data)
    except ValueError:
        answer = None
    if isinstance(answer, dict):
        return answer
    return {"message": data[:300].decode(errors="replace").strip()}


def _after(failure: Unreachable, tries: int, seconds: float) -> Unreachable:
    if tries > 1:
        failure.args = (f"{failure}, after {tries} tries in {seconds:.0f} s",)
    return failure


def _untrusted(error: Exception) -> str:
    """What is wrong with the server's certificate; empty where that is not what went wrong."""
    for cause in (*error.args, error.__cause__, error.__context__):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
    return ""


def _reason(error: Exception) -> str:
    """Why there was no answer, in a few words and without addresses of objects."""
    if isinstance(error, http.NameResolutionError):
        return "its name is not known"
    if isinstance(error, http.ReadTimeoutError):
        return "connected, but it stays silent"
    if isinstance(error, http.ConnectTimeoutError) and not isinstance(
        error, http.NewConnectionError
    ):
        return "the connection took too long"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__
