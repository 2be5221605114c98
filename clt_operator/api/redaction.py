"""Takes secrets out of text before it is kept: logs, messages, captured output.

Two sources of knowledge: the values of environment variables whose names look secret, and the
shapes of well-known credentials. It hides too much rather than too little.
"""

import re
from collections.abc import Callable, Mapping

REDACTED = "[redacted]"
SHORTEST_SECRET = 6  # characters; shorter values would blank ordinary words

_SECRET_WORDS = {
    "APIKEY",
    "AUTH",
    "AUTHORIZATION",
    "CREDENTIAL",
    "CREDENTIALS",
    "KEY",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PAT",
    "SECRET",
    "TOKEN",
}

_SHAPES = [
    (re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"), REDACTED),  # access key ids of S3
    (re.compile(r"\b(?:hf|ghp|gho|ghs|github_pat|glpat|xox[abp])[_-][A-Za-z0-9_-]{16,}"), REDACTED),
    (re.compile(r"\bsk-[A-Za-z0-9_-]{16,}"), REDACTED),
    (re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*://)[^\s/@]+@"), rf"\g<1>{REDACTED}@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/_.=-]{8,}"), rf"\g<1> {REDACTED}"),
    (
        re.compile(r"(?i)(X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s\"']+"),
        rf"\1{REDACTED}",
    ),
    (
        re.compile(
            r"(?i)([\"']?[a-z_-]*(?:secret|password|passwd|token|api[_-]?key|access[_-]?key)"
            r"(?:[_-][a-z]+)*[\"']?\s*[=:]\s*)([\"']?)(?![\d.]+\b)[^\s\"',;&}]{8,}\2"
        ),
        rf"\g<1>{REDACTED}",
    ),
    (
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S
        ),
        REDACTED,
    ),
]

Redact = Callable[[str], str]


def secret_values(environment: Mapping[str, str]) -> list[str]:
    """Values of variables whose names say that they are secret, longest first."""
    found = {
        value.strip()
        for name, value in environment.items()
        if _SECRET_WORDS & set(re.split(r"[^A-Z]+", name.upper()))
    }
    return sorted((v for v in found if len(v) >= SHORTEST_SECRET), key=lambda v: (-len(v), v))


def redactor(environment: Mapping[str, str]) -> Redact:
    """A function that takes the secrets of this environment, and known shapes, out of text."""
    values = secret_values(environment)
    known = re.compile("|".join(re.escape(value) for value in values)) if values else None

    def redact(text: str) -> str:
        if known:
            text = known.sub(REDACTED, text)
        for shape, replacement in _SHAPES:
            text = shape.sub(replacement, text)
        return text

    return redact
