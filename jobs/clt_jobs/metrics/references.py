"""Which text an output is compared with: the reference response, or the gold answer."""

from typing import Literal

from clt_jobs.metrics.records import Generation

Reference = Literal["response", "answer"]


def reference_of(record: Generation, wanted: Reference) -> tuple[str, bool]:
    """(reference text, whether the other field stands in because the wanted one is empty)."""
    first, second = record.response, record.answer
    if wanted == "answer":
        first, second = second, first
    return (first, False) if first else (second, bool(second))
