"""The hub: which commit a model or data set is at. Read-only, two calls, no client library.

``HF_ENDPOINT`` names another hub, ``HF_TOKEN`` opens gated repositories. That token is for the hub
of this process: one whose address is given gets only the token that is given with it. A token
goes into a header and nowhere else.
"""

import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from clt_operator.api.errors import InputError, TransientError

TIMEOUT_SECONDS = 20
ADVICE = "set HF_TOKEN where the repository is gated"


@dataclass(frozen=True)
class HubEntry:
    revision: str
    parameters: int | None


class Hub:
    def __init__(self, endpoint: str = "", token: str = "", advice: str = ADVICE) -> None:
        """``advice``: what to do about a repository that the token does not open."""
        self._endpoint = (
            endpoint or os.environ.get("HF_ENDPOINT", "") or "https://huggingface.co"
        ).rstrip("/")
        own = "" if endpoint else os.environ.get("HF_TOKEN", "")
        self._token, self._advice = (token or own).strip(), advice
        if not all("!" <= character <= "~" for character in self._token):
            raise InputError("HF_TOKEN is no token: it holds white space or characters of no token")

    def look_up(
        self, what: Literal["models", "datasets"], name: str, revision: str = ""
    ) -> HubEntry:
        """The commit that a revision (default: main) stands for.

        Raises InputError where there is no such repository or access, TransientError where the
        hub does not answer.
        """
        path = f"/api/{what}/{quote(name)}/revision/{quote(revision or 'main', safe='')}"
        data = self._get(path, f"{what[:-1]} {name}")
        sha = data.get("sha")
        if not isinstance(sha, str) or not sha:
            raise TransientError(f"{self._endpoint}{path} gave no commit for {name}")
        weights = data.get("safetensors") or {}
        return HubEntry(revision=sha, parameters=weights.get("total"))

    def _get(self, path: str, what: str) -> dict[str, Any]:
        url = self._endpoint + path
        if not url.startswith(("https://", "http://")):
            raise InputError(f"HF_ENDPOINT must be an http(s) address, not {self._endpoint!r}")
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - checked above
        try:
            with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as answer:
                data = json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code in (401, 403, 404):
                raise InputError(
                    f"{what}: the hub says {error.code}: check the name and the revision, and "
                    f"{self._advice}"
                ) from None
            raise TransientError(f"{what}: the hub says {error.code}") from None
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise TransientError(
                f"{what}: the hub at {self._endpoint} does not answer: {reason}"
            ) from None
        if not isinstance(data, dict):
            raise TransientError(f"{what}: the hub at {self._endpoint} gave no description of it")
        return data


class _Careful(urllib.request.HTTPRedirectHandler):
    """Follows a repository that was renamed; the token goes to the hub's own host only."""

    def redirect_request(self, req: Any, *answer: Any) -> urllib.request.Request | None:
        following = super().redirect_request(req, *answer)
        if following and urlsplit(following.full_url)[:2] != urlsplit(req.full_url)[:2]:
            following.remove_header("Authorization")
        return following


_OPENER = urllib.request.build_opener(_Careful)
