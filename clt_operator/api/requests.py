"""What users ask of an experiment beside its spec (annotations), as a status names it."""

import hashlib

LONGEST = 256  # characters; what is longer is named by its digest


def handled(requested: str, retry: str) -> str:
    """``status.handledRequest`` once these were heeded: the values of ``clt.dev/requested-at``
    and ``clt.dev/retry``, as short as a status has to be."""
    text = "|".join(filter(None, (requested, retry)))
    if len(text) <= LONGEST:
        return text
    return f"sha256:{hashlib.sha256(text.encode(errors='replace')).hexdigest()}"
