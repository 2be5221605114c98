"""What a training says of itself while it runs: counts, the last losses, where time goes.

Only the first rank speaks; rows and losses of a step are known to all, so it speaks for all. Time
is that of the process. Kernels of a GPU run on behind its back, but every step waits for its row
losses and for the norm of its gradients, so that what a GPU computes is waited for in
``forward_backward``, optimiser kernels at the next step; no part adds a wait of its own.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from clt_jobs.telemetry.protocol import Telemetry
from clt_jobs.train.batches import MicroBatch
from clt_jobs.train.checkpoint import Counters
from clt_jobs.train.corpus import Corpus, Rows
from clt_jobs.train.log import means
from clt_jobs.train.weights import Float64
from clt_operator.api import telemetry as series

DATA, COMPUTE, OPTIMISER = "data", "forward_backward", "optimiser"
CHECKPOINT, VALIDATION = "checkpoint", "validation"
PARTS = (DATA, COMPUTE, OPTIMISER, CHECKPOINT, VALIDATION)
WINDOW = 30.0  # seconds that "lately" means, where steps are shorter


class Meter:
    """Of one training. ``world`` processes have like work: padding is that of one, times them."""

    def __init__(
        self, telemetry: Telemetry, world: int = 1, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.telemetry, self._world, self._clock = telemetry, world, clock
        self._part, self._since = "", clock()
        self._seconds = dict.fromkeys(PARTS, 0.0)  # not said yet
        self._padding = 0
        self._recent = deque([(self._since, 0)])  # ends of steps and their tokens
        self._lately = 0  # tokens of these, the first one's apart

    def begin(self, corpus: Corpus, counters: Counters, steps: int) -> None:
        """Shows every counter before it counts, and where the training stands."""
        say = self.telemetry
        say.set(series.TRAIN_STEPS, steps)
        say.set(series.TRAIN_STEP, counters.step)
        say.set(series.CHECKPOINT_SAVED, time.time())
        say.add(series.CHECKPOINT_BYTES, 0)
        for what in ("loss", "gradients"):
            say.add(series.TRAIN_NOT_FINITE, 0, what)
        for language in corpus.languages:
            self._count(language, 0, 0, 0)
        self._recent, self._lately = deque([(self._clock(), 0)]), 0
        self._say_shares()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time goes to this part, and to the outer one again afterwards."""
        outer = self._switch(name)
        try:
            yield
        finally:
            self._switch(outer)

    def computed(self, batch: MicroBatch) -> None:
        """A micro-batch, on the CPU still."""
        self._padding += batch.attention_mask.numel() - int(batch.attention_mask.sum())

    def stepped(self, corpus: Corpus, rows: Rows, losses: Float64, counters: Counters) -> None:
        """An optimiser step is done. ``losses`` are sums of cross-entropy by row."""
        say = self.telemetry
        say.set(series.TRAIN_STEP, counters.step)
        by_language = corpus.language_of[rows.component]
        size = len(corpus.languages)
        samples = np.bincount(by_language, minlength=size).tolist()
        tokens = np.bincount(by_language, rows.lengths, size).tolist()
        supervised = np.bincount(by_language, rows.supervised, size).tolist()
        for at, language in enumerate(corpus.languages):
            if samples[at]:
                self._count(language, samples[at], tokens[at], supervised[at])
        for language, loss in means(corpus.languages, by_language, losses, rows.supervised).items():
            say.set(series.TRAIN_LANGUAGE_LOSS, loss, language)
        self.gone_on(int(rows.lengths.sum()))
        say.set(series.TRAIN_SPEED, self.tokens_per_second())
        self._say_shares()

    def minimised(self, loss: float, rate: float, norm: float) -> None:
        self.telemetry.set(series.TRAIN_LOSS, loss)
        self.telemetry.set(series.TRAIN_RATE, rate)
        self.telemetry.set(series.TRAIN_GRADIENT_NORM, norm)

    def gone_on(self, tokens: int) -> None:
        """So many tokens since the last call."""
        self._recent.append((self._clock(), tokens))
        self._lately += tokens

    def tokens_per_second(self) -> float:
        """Over the last ``WINDOW`` seconds, or the last step where that took longer."""
        recent = self._recent
        while len(recent) > 2 and recent[1][0] < recent[-1][0] - WINDOW:
            recent.popleft()
            self._lately -= recent[0][1]
        return self._lately / max(recent[-1][0] - recent[0][0], 1e-9)

    def not_finite(self, what: str) -> None:
        self.telemetry.add(series.TRAIN_NOT_FINITE, 1, what)

    def validated(self, losses: Mapping[str, float]) -> None:
        """Losses by policy."""
        for policy, loss in losses.items():
            self.telemetry.set(series.TRAIN_VALIDATION_LOSS, loss, policy)
        self._say_shares()

    def saved(self, seconds: float, size: int) -> None:
        """A resume state of so many bytes."""
        self.telemetry.observe(series.CHECKPOINT_SECONDS, seconds)
        self.telemetry.add(series.CHECKPOINT_BYTES, size)
        self.telemetry.set(series.CHECKPOINT_SAVED, time.time())
        self._say_shares()

    def _count(self, language: str, samples: float, tokens: float, supervised: float) -> None:
        self.telemetry.add(series.TRAIN_SAMPLES, samples, language)
        self.telemetry.add(series.TRAIN_TOKENS, tokens, language)
        self.telemetry.add(series.TRAIN_SUPERVISED, supervised, language)

    def _switch(self, part: str) -> str:
        """The part before."""
        now = self._clock()
        if self._part:
            self._seconds[self._part] += now - self._since
        before, self._part, self._since = self._part, part, now
        return before

    def _say_shares(self) -> None:
        """Of time and of padding, since they were last said."""
        for part, seconds in self._seconds.items():
            self.telemetry.add(series.TRAIN_SECONDS, seconds, part)
            self._seconds[part] = 0.0
        self.telemetry.add(series.TRAIN_PADDING, self._padding * self._world)
        self._padding = 0
