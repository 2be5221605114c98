"""rouge_l: F1 of the longest common subsequence of Unicode words (Lin, 2004).

Words and not ``[a-z0-9]``: the usual tokeniser gives identical Hindi, Chinese or Russian
strings a score of 0. No stemming, no sentence splitting; the signature names every choice.
"""

import unicodedata
from collections.abc import Sequence

from clt_jobs.metrics.lcs import lcs_length
from clt_jobs.metrics.records import Generation, ItemScore, Scored
from clt_jobs.metrics.references import Reference, reference_of
from clt_jobs.metrics.registry import metric, signature
from clt_jobs.metrics.text import UNSPACED, words
from clt_operator.api.base import Record


class RougeArguments(Record):
    reference: Reference = "response"


@metric("rouge_l", version=1, needs="generations", arguments=RougeArguments)
def rouge_l(records: Sequence[Generation], language: str, arguments: RougeArguments) -> Scored:
    """Scores in [0, 1]. An empty output is a failed extraction; truncation is only counted."""
    del language  # the tokens depend on the script of the text, not on a language code
    items = []
    fallbacks = 0
    for record in records:
        reference, fell_back = reference_of(record, arguments.reference)
        fallbacks += fell_back
        items.append(
            ItemScore(
                item=record.item,
                cluster=record.cluster,
                score=rouge_l_f1(record.output, reference),
                failed=not record.output.strip(),
                truncated=record.truncated,
            )
        )
    described = signature(
        "rouge_l",
        v=1,
        ref=arguments.reference,
        score="f1",
        tokens="unicode-words",
        chars=UNSPACED,
        case="fold",
        norm="nfkc",
        stem=False,
        unicode=unicodedata.unidata_version,
    )
    return Scored(tuple(items), described, {"reference_fallbacks": fallbacks})


def rouge_l_f1(first: str, second: str) -> float:
    """2·LCS / (m + n): symmetric, 1.0 for identical texts, also for two blank ones."""
    left, right = words(first), words(second)
    if not left and not right:
        return 1.0
    return 2 * lcs_length(left, right) / (len(left) + len(right))
