"""Where things lie below a store's prefix: names from keys, and keys from names.

Claims, outcomes, documents and manifests have prefixes of their own, so that one paged
listing answers "which keys" for ten thousand steps.

    documents/<key>.json                         what the step is; created once
    claims/<key>/<NNNN>.json                     who holds attempt N; conditional create
    attempts/<key>/<NNNN>/files/<output>/...     the attempt's files
    attempts/<key>/<NNNN>/resume/<state>/...     its resume states, COMPLETE.json last
    attempts/<key>/<NNNN>/log.txt, progress.json
    outcomes/<key>/<NNNN>.json                   how attempt N ended; write-once
    committed/<key>.json                         the manifest; conditional create, last
    experiments/<namespace>/<name>/...           root.json, lock.json, spec.yaml, plan.json
    tombstones/<key>/<NNNN>.json                 why an artifact was invalidated; write-once
    inputs/<sha256>/<name>                       data and models that were pushed
    collected/<time>-<random>.json               what a collection took the manifests of
"""

import re

from clt_operator.store.names import check_word

ATTEMPTS = "attempts/"
CLAIMS = "claims/"
COLLECTED = "collected/"
OUTCOMES = "outcomes/"
DOCUMENTS = "documents/"
COMMITTED = "committed/"
EXPERIMENTS = "experiments/"
INPUTS = "inputs/"
PROBES = "probes/"
TOMBSTONES = "tombstones/"
ROOT_FILE, LOCK_FILE, SPEC_FILE = "root.json", "lock.json", "spec.yaml"
COMPLETE = "COMPLETE.json"

_NUMBERED = re.compile(r"[^/]+/([^/]+)/(\d{4,})\.json")
_KEYED = re.compile(r"[^/]+/([^/]+)\.json")


def document(key: str) -> str:
    return f"{DOCUMENTS}{_key(key)}.json"


def committed(key: str) -> str:
    return f"{COMMITTED}{_key(key)}.json"


def claims(key: str) -> str:
    return f"{CLAIMS}{_key(key)}/"


def claim(key: str, attempt: int) -> str:
    return f"{claims(key)}{attempt:04d}.json"


def outcomes(key: str) -> str:
    return f"{OUTCOMES}{_key(key)}/"


def outcome(key: str, attempt: int) -> str:
    return f"{outcomes(key)}{attempt:04d}.json"


def attempt(key: str, number: int) -> str:
    return f"{ATTEMPTS}{_key(key)}/{number:04d}/"


def files(key: str, number: int) -> str:
    return f"{attempt(key, number)}files/"


def resume(key: str, number: int) -> str:
    return f"{attempt(key, number)}resume/"


def log(key: str, number: int) -> str:
    return f"{attempt(key, number)}log.txt"


def progress(key: str, number: int) -> str:
    return f"{attempt(key, number)}progress.json"


def tombstones(key: str) -> str:
    return f"{TOMBSTONES}{_key(key)}/"


def tombstone(key: str, number: int) -> str:
    return f"{tombstones(key)}{number:04d}.json"


def pushed(sha256: str, name: str) -> str:
    return f"{INPUTS}{check_word(sha256, 'digest')}/{name}"


def experiment(namespace: str, name: str) -> str:
    check_word(namespace, "namespace")
    return f"{EXPERIMENTS}{namespace}/{check_word(name, 'experiment name')}/"


def experiment_file(namespace: str, name: str, filename: str) -> str:
    return f"{experiment(namespace, name)}{check_word(filename, 'file name')}"


def key_of(name: str) -> str | None:
    """The key in the name of a manifest or document; None for a stranger's object."""
    match = _KEYED.fullmatch(name)
    return match[1] if match else None


def numbered(name: str) -> tuple[str, int] | None:
    """Key and attempt in the name of a claim or outcome; None for a stranger's object."""
    match = _NUMBERED.fullmatch(name)
    return (match[1], int(match[2])) if match else None


def _key(key: str) -> str:
    return check_word(key, "key")
