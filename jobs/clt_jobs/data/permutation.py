"""The one seeded permutation of items, used wherever items are chosen or ordered.

The rank of an item depends on its id, the seed and the salt alone: not on the file's order, not
on which other items exist. Hence subsets nest (k = 100 is a part of k = 200), and parallel
languages, which share item ids, get the same items in the same order.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

RANK_BITS = 64


def rank(item_id: str, seed: int, *salt: str) -> int:
    """The place of an item on the line of 64-bit numbers: BLAKE2b over seed, salt and id."""
    hasher = _hasher(seed, salt)
    hasher.update(item_id.encode())
    return int.from_bytes(hasher.digest(), "big")


def order(item_ids: Iterable[str], seed: int, *salt: str) -> NDArray[np.int64]:
    """Indices that sort the ids by rank, then by id; equal ids keep their order.

    Shape (n,). ``salt`` tells independent uses of one seed apart.
    """
    ids: Sequence[str] = item_ids if isinstance(item_ids, list) else list(item_ids)
    start = _hasher(seed, salt)
    ranked: list[tuple[bytes, str, int]] = []
    for index, item_id in enumerate(ids):
        hasher = start.copy()
        hasher.update(item_id.encode())
        ranked.append((hasher.digest(), item_id, index))
    ranked.sort()
    return np.fromiter((index for _, _, index in ranked), dtype=np.int64, count=len(ranked))


def _hasher(seed: int, salt: tuple[str, ...]) -> blake2b:
    """Seed and salt, each preceded by its length, so that no two callers write the same bytes."""
    hasher = blake2b(digest_size=RANK_BITS // 8)
    for part in (str(seed), *salt, ""):
        data = part.encode()
        hasher.update(len(data).to_bytes(4, "big") + data)
    return hasher
