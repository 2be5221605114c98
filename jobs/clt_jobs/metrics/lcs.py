"""Length of the longest common subsequence, bit-parallel.

One bit per token of the first sequence in a Python integer of any width: the recurrence of
Hyyrö (2004), "Bit-parallel LCS-length computation revisited": V' = (V + (V & M)) | (V & ~M).
"""

from collections.abc import Sequence


def lcs_length(first: Sequence[str], second: Sequence[str]) -> int:
    """Tokens in the longest common subsequence; O(len(second) × len(first) / 64)."""
    if not first or not second:
        return 0
    positions: dict[str, int] = {}
    for index, token in enumerate(first):
        positions[token] = positions.get(token, 0) | (1 << index)
    mask = (1 << len(first)) - 1
    state = mask
    for token in second:
        matches = state & positions.get(token, 0)
        state = ((state + matches) | (state - matches)) & mask
    return len(first) - state.bit_count()
