"""derive: maps rows to rows. Registered operations, each with its own arguments.

``split``   input ``rows``, optional ``clusters``; outputs ``train`` and ``test`` (rows). Whole
            items, or whole clusters, go to one side; the side depends on the item (or cluster)
            id, the seed and the fraction alone, so it is the same in every language.
            Arguments: ``test_fraction``, ``seed``.
``cluster`` input ``rows`` (the reference language); output ``clusters``: one row per item
            with ``item`` and ``cluster``. Arguments: ``threshold`` (Jaccard similarity of
            word trigrams with numbers masked), rows linked transitively.
``filter``  input ``rows``; output ``rows``. Arguments: ``field``, and one of ``equals``,
            ``minimum_length``, ``maximum_length``, ``matches`` (regular expression).
``subset``  input ``rows``; output ``rows``: the first ``items`` of the seeded permutation of
            item ids. Arguments: ``items``, ``seed``.
Every operation counts what it dropped and why in the manifest's summary.
"""

from typing import Any, ClassVar

from clt_operator.api.base import Params


class DeriveParams(Params):
    kind: ClassVar[str] = "derive"
    operation: str
    arguments: dict[str, Any] = {}
