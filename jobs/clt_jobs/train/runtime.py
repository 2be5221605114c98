"""The runtime contract: what makes the same step give the same bytes on one kind of CPU.

Thread counts are part of it, because they decide the order of sums. Randomness is a function of
(seed, step, rank), drawn afresh at every step, so no generator state has to survive a restart.
"""

import contextlib

import numpy as np
import torch


def fix_runtime(threads: int, *, cpu: bool) -> None:
    """Set thread counts, and on a CPU refuse algorithms that are not deterministic."""
    torch.set_num_threads(threads)
    with contextlib.suppress(RuntimeError):  # only possible before the first parallel work;
        torch.set_num_interop_threads(1)  # eager code never uses that pool, so no result moves
    torch.use_deterministic_algorithms(cpu)


def seed_everything(seed: int) -> None:
    """The same randomness on every rank: what initialises new modules (adapters)."""
    torch.manual_seed(seed)


def seed_step(seed: int, step: int, rank: int) -> None:
    """The randomness of one step on one rank (dropout)."""
    sequence = np.random.SeedSequence([seed & 0xFFFFFFFF, step, rank])
    torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0]) >> 1)
