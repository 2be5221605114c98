"""The hub: which commit a model or data set is at. Read-only, two calls, no client library.

``HF_ENDPOINT`` names another hub, ``HF_TOKEN`` opens gated repositories; the token goes into
a header and nowhere else.
"""

import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from clt_operator.api.errors import InputError, TransientError

TIMEOUT_SECONDS = 20


@dataclass(frozen=True)
class HubEntry:
    revision: str
    parameters: int | None


class Hub:
    def __init__(self, endpoint: str = "", token: str = "") -> None:
        self._endpoint = (
            endpoint or os.environ.get("HF_ENDPOINT", "") or "https://huggingface.co"
        ).rstrip("/")
        self._token = token or os.environ.get("HF_TOKEN", "")

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
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                data: dict[str, Any] = json.load(answer)
                return data
        except urllib.error.HTTPError as error:
            if error.code in (401, 403, 404):
                raise InputError(
                    f"{what}: the hub says {error.code}: check the name and the revision, and "
                    "set HF_TOKEN where the repository is gated"
                ) from None
            raise TransientError(f"{what}: the hub says {error.code}") from None
        except (urllib.error.URLError, TimeoutError, ValueError) as error:
            raise TransientError(
                f"{what}: the hub at {self._endpoint} does not answer: {error}"
            ) from None
