"""What an API server refuses, in words that name the object and the next step.

Every answer that is no success becomes one of these. Texts of the server are redacted: an
admission webhook may quote anything.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from clt_operator.api.errors import CltError, Problem, TransientError
from clt_operator.api.redaction import redactor

LONGEST = 2000  # characters of a server's message that are shown
SHOWN = 20  # causes that a message lists

_redact = redactor({})
_UNSERVED = "could not find the requested resource"
_UNTYPED = "failed to create typed patch object"  # apply answers 500 to an object of wrong shape
_TYPED_FIELD = re.compile(r"(\.[^\s:]+): (.+)")
_STRICT = re.compile(r'(unknown|duplicate) field "([^"]+)"')  # has no causes of its own


@dataclass(frozen=True, slots=True)
class Where:
    """The request that failed: a verb, a plural, perhaps a name and a namespace."""

    verb: str
    resource: str
    name: str = ""
    namespace: str = ""
    server: str = ""
    origin: str = ""  # where the address and the credentials came from

    def __str__(self) -> str:
        name = f" {self.name}" if self.name else ""
        place = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.verb} {self.resource}{name}{place}"


class ClusterError(CltError):
    """The API server refused a request. ``status`` is HTTP's (0 where none came), ``reason``
    the server's word, ``problems`` what it found wrong, by field. ``perhaps_ours``: an earlier
    try of the same call got no clear answer, and may have done what was asked."""

    perhaps_ours = False
    retry_after = 0.0  # seconds that the server asks to wait

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        reason: str = "",
        problems: tuple[Problem, ...] = (),
        causes: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(message)
        self.status, self.reason, self.problems, self.causes = status, reason, problems, causes


class NotFound(ClusterError):
    """404: the object is not there, or (``unserved``) the cluster does not serve its kind."""

    @property
    def unserved(self) -> bool:
        return self.reason != "NotFound" or "Unserved" in self.causes


class AlreadyExists(ClusterError):
    """409 on create."""


class Conflict(ClusterError):
    """409 otherwise: somebody else changed the object, or owns the field."""


class Gone(ClusterError):
    """410: the history that a list or a watch goes on from was compacted."""


class Forbidden(ClusterError):
    """401 or 403: no credentials, no right, no quota, or an admission policy."""

    @property
    def terminating(self) -> bool:
        """Whether it is only that the namespace is being deleted."""
        return "NamespaceTerminating" in self.causes


class Invalid(ClusterError):
    """400 or 422: the object is wrong; ``problems`` say where."""


class Unreachable(ClusterError, TransientError):
    """No answer, or none but "later" (429, 5xx), for as long as was waited."""


def explain(status: int, answer: Mapping[str, Any], where: Where) -> ClusterError:
    """The error for an answer; ``answer`` is a Status, or empty where the body was none."""
    details = answer.get("details") or {}
    causes = details.get("causes") or []
    reason, message = str(answer.get("reason") or ""), _clean(str(answer.get("message") or ""))
    kind = _kind(status, reason, message)
    problems = _problems(causes, message) if kind in (Invalid, Conflict) else ()
    return kind(
        f"cannot {where}: {_said(kind, status, message, problems, where)}",
        status=status,
        reason=reason,
        problems=problems,
        causes=_causes(message, causes),
    )


def path_of(field: str) -> str:
    """A field path as users write it: ``spec.sweeps[0].mixes``, without a leading dot."""
    return "" if field in ("[]", "<nil>") else field.lstrip(".")


def _kind(status: int, reason: str, message: str) -> type[ClusterError]:
    if status == 500 and _UNTYPED in message:
        return Invalid
    if status == 409:
        return AlreadyExists if reason == "AlreadyExists" else Conflict
    if status == 429 or status >= 500:
        return Unreachable
    by_status: dict[int, type[ClusterError]] = {
        400: Invalid,
        401: Forbidden,
        403: Forbidden,
        404: NotFound,
        410: Gone,
        413: Invalid,
        422: Invalid,
    }
    return by_status.get(status, ClusterError)


def _said(
    kind: type[ClusterError],
    status: int,
    message: str,
    problems: tuple[Problem, ...],
    where: Where,
) -> str:
    said = message or f"status {status}"
    if kind is Forbidden:
        said = _refused(status, message, where)
    elif kind is Unreachable:
        said = f"{where.server} answered {status} ({message or 'no message'})"
    elif kind is NotFound:
        said = _absent(message, where)
    elif status == 413:
        said = f"it is too large for the API server ({said})"
    elif kind in (Invalid, Conflict) and problems:
        what = "it is not valid" if kind is Invalid else "other writers own fields of it"
        said = f"{what}\n{_listed(problems)}"
    elif kind is Conflict:
        said = f"{message or 'it was changed meanwhile'}: read it again and repeat"
    return said


def _listed(problems: tuple[Problem, ...]) -> str:
    shown = [str(problem) for problem in problems[:SHOWN]]
    if len(problems) > SHOWN:
        shown.append(f"and {len(problems) - SHOWN} more")
    return "\n".join(shown)


def _causes(message: str, causes: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    words = {str(cause.get("reason") or "") for cause in causes}
    return frozenset(words | {"Unserved"} if _UNSERVED in message else words)


def _refused(status: int, message: str, where: Where) -> str:
    if status == 401:
        whose = f" of {where.origin}" if where.origin else ""
        return (
            f"{where.server} does not accept the credentials{whose} (401): sign in again, or name "
            "another context"
        )
    if re.search(r"cannot [a-z]+ resource", message) or not message:
        right = f"allow verb {where.verb} on resource {where.resource}"
        return f"{message or 'forbidden'}: ask for a Role and a RoleBinding that {right}"
    return message  # quota, pod security, an admission policy: it says what is wrong


def _absent(message: str, where: Where) -> str:
    if _UNSERVED in message or message in ("", "404 page not found"):
        return (
            f"{where.server} does not serve {where.resource}: is it the right cluster, and is the "
            "custom resource definition installed? 'cltctl doctor' tells"
        )
    return message


def _problems(causes: Iterable[Mapping[str, Any]], message: str) -> tuple[Problem, ...]:
    """What is wrong, by field, each thing once: from the causes, else out of the message."""
    found = [(str(cause.get("field") or ""), cause.get("message")) for cause in causes]
    if not found:
        found = [(path, f"{what} field") for what, path in _STRICT.findall(message)]
    if not found and _UNTYPED in message:
        found = _TYPED_FIELD.findall(message)
    stated = dict.fromkeys((path_of(path), _clean(str(said))) for path, said in found if said)
    return tuple(Problem(path, said) for path, said in stated)


def _clean(text: str) -> str:
    return _redact(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")
