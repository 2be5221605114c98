"""The loop: one optimiser step after another, each a function of its number and the tensors.

A step reads its rows by position, weighs them as a whole, gathers gradients over micro-batches
and ranks, and writes one log line. Between steps it validates, saves its state, and stops when
asked. The only collective besides gradients is one sum per step: row losses, and what ranks
must agree on.
"""

import math
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from safetensors.torch import save_file

from clt_jobs.context import Context, StopRequested
from clt_jobs.data.mixture import Realised
from clt_jobs.train import log
from clt_jobs.train.batches import StepBounds, rows_of_step
from clt_jobs.train.checkpoint import SELECTED, Counters, State, read_state, save_state
from clt_jobs.train.corpus import Corpus, Rows
from clt_jobs.train.gradients import Gradients
from clt_jobs.train.meter import CHECKPOINT, COMPUTE, DATA, OPTIMISER, VALIDATION
from clt_jobs.train.pace import Pace
from clt_jobs.train.runtime import seed_step
from clt_jobs.train.selection import Candidate, Policies, is_best
from clt_jobs.train.state import put_weights, take_weights
from clt_jobs.train.validation import held_out, validate
from clt_jobs.train.weights import Float64, row_weights
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.train import TrainParams

SKIPS_IN_A_ROW = 10  # more than a rare bad batch


@dataclass(frozen=True)
class Data:
    """What is read, in which order, cut into which steps."""

    corpus: Corpus
    realised: Realised
    bounds: StepBounds


@dataclass(frozen=True)
class Wish:
    """What any rank wants after a step, and so all do."""

    stop: bool
    save: bool


class Loop:
    """One training. ``run`` goes from wherever the state stands to the last step."""

    def __init__(
        self,
        params: TrainParams,
        data: Data,
        gradients: Gradients,
        context: Context,
        *,
        fingerprint: str,
        work: Path,
    ) -> None:
        self.params, self.data, self.gradients = params, data, gradients
        self.context, self.fingerprint, self.work = context, fingerprint, work
        self.ranks, self.objective = gradients.ranks, gradients.objective
        self.meter = gradients.meter
        self.held = held_out(data.corpus, data.realised)
        self.policies = Policies.of(data.corpus.components, list(self.held), params.pivot)
        if params.select != "last" and params.select not in self.policies.members:
            raise InputError(
                f"select: {params.select} needs validation items and none of its components "
                f"has any: set validation above 0, or select: last"
            )
        self.counters = Counters()
        self.candidates: list[Candidate] = []
        self.lines: list[str] = []
        self.selected: Path | None = None  # best weights so far, where select wants them
        self.pace = Pace(float(context.hints.get("save_every_seconds", 60)))

    def run(self) -> None:
        """Train to the end. Raises StopRequested after saving, when asked to stop."""
        total = self.data.bounds.steps
        self.meter.begin(self.data.corpus, self.counters, total)
        self.gradients.module.train()
        while self.counters.step < total:
            wish = self._step()
            if self._validation_due():
                with self.meter.part(VALIDATION):
                    self._validate()
            if wish.stop or (wish.save and self.counters.step < total):
                with self.meter.part(CHECKPOINT):
                    self._save()
            if wish.stop:
                raise StopRequested(f"saved at step {self.counters.step} of {total}")

    def restore(self, directory: Path) -> None:
        """Take up a saved state. Raises InputError where it is of another training."""
        state = read_state(directory, self.fingerprint)
        put_weights(self.objective, state.weights)
        self.gradients.put(state.optimisers)
        self.counters, self.candidates = state.counters, state.candidates
        self.lines = state.metrics
        if state.selected is not None:
            self.selected = self.work / SELECTED
            if self.ranks.main:
                shutil.copyfile(state.selected, self.selected)
        self.ranks.say(f"resumed at step {self.counters.step} of {self.data.bounds.steps}")

    def _step(self) -> Wish:
        step, corpus = self.counters.step, self.data.corpus
        with self.meter.part(DATA):
            rows = rows_of_step(self.data.realised, corpus, self.data.bounds, step)
        if rows.supervised.sum() == 0:
            raise InputError(
                f"no row of step {step + 1} has a supervised token: the responses are empty or "
                f"were cut off, see the counts of the prepare steps"
            )
        languages = corpus.language_of[rows.component]
        weights = row_weights(rows.supervised, languages, self.params.loss_weight)
        seed_step(self.params.init_seed, step, self.ranks.rank)
        with self.meter.part(COMPUTE):
            row_losses, wish = self._agree(self.gradients.gather(corpus, rows, weights))
        self._check_finite(rows, row_losses)
        with self.meter.part(OPTIMISER):
            rate, norm = self.gradients.apply(step, self.data.bounds.steps)
        self._count(rows, norm)
        self.meter.stepped(corpus, rows, row_losses, self.counters)
        self._report(rows, row_losses, float(row_losses @ weights), rate, norm)
        return wish

    def _agree(self, losses: torch.Tensor) -> tuple[Float64, Wish]:
        """Row losses of all ranks, and whether any rank wants to stop or to save."""
        wishes = [float(self.context.stop_requested), float(self.ranks.main and self.pace.save_due)]
        both = torch.cat([losses, losses.new_tensor(wishes)])
        summed = self.ranks.sum(both).cpu().numpy()
        return summed[:-2], Wish(stop=bool(summed[-2] > 0), save=bool(summed[-1] > 0))

    def _check_finite(self, rows: Rows, row_losses: Float64) -> None:
        bad = ~np.isfinite(row_losses)
        if not bad.any():
            return
        self.meter.not_finite("loss")
        of = self.data.corpus.language_of[rows.component[bad]]
        languages = ", ".join(sorted({self.data.corpus.languages[i] for i in of.tolist()}))
        raise InputError(
            f"the loss is not finite at step {self.counters.step + 1} ({int(bad.sum())} of "
            f"{len(rows)} rows; languages {languages}): lower optimiser.learning_rate, add "
            f"warmup_steps, set gradient_clip, or use precision fp32"
        )

    def _count(self, rows: Rows, norm: float) -> None:
        counters = self.counters
        counters.step += 1
        counters.samples += len(rows)
        counters.tokens += int(rows.lengths.sum())
        counters.supervised_tokens += int(rows.supervised.sum())
        counters.rows_without_supervision += int((rows.supervised == 0).sum())
        if math.isfinite(norm):
            counters.skipped_in_a_row = 0
            return
        counters.skipped_steps += 1
        counters.skipped_in_a_row += 1
        self.meter.not_finite("gradients")
        self.ranks.say(f"step {counters.step}: gradients are not finite, step skipped")
        if counters.skipped_in_a_row >= SKIPS_IN_A_ROW:
            raise InputError(
                f"gradients were not finite in {SKIPS_IN_A_ROW} steps in a row up to step "
                f"{counters.step}: lower optimiser.learning_rate or use precision fp32"
            )

    def _report(
        self, rows: Rows, row_losses: Float64, loss: float, rate: float, norm: float
    ) -> None:
        line = log.train_line(
            self.data.corpus,
            rows,
            row_losses,
            self.counters,
            loss=loss,
            learning_rate=rate,
            grad_norm=norm,
        )
        self.lines.append(line)
        step, total = self.counters.step, self.data.bounds.steps
        speed = self.meter.tokens_per_second()
        self.meter.minimised(loss, rate, norm)
        if self.ranks.main:
            self.context.progress(done=step, total=total, loss=loss, tokens_per_second=speed)
        if self.pace.line_due or step == total:
            self.ranks.say(
                f"step {step}/{total}  loss {loss:.4f}  rate {rate:.2e}  norm {norm:.2f}  "
                f"{speed:.0f} tokens/s"
            )

    def _validation_due(self) -> bool:
        every, step = self.params.evaluate_every_steps, self.counters.step
        last = step == self.data.bounds.steps
        return bool(self.held) and (last or (every > 0 and step % every == 0))

    def _validate(self) -> None:
        candidate = validate(self.gradients, self.data.corpus, self.held, self.counters.step)
        self.candidates.append(candidate)
        self.lines.append(log.validation_line(candidate, self.policies))
        losses = self.policies.losses(candidate)
        self.meter.validated(losses)
        told = "  ".join(f"{name} {loss:.4f}" for name, loss in losses.items())
        self.ranks.say(f"step {candidate.step} validation  {told}")
        policy = self.params.select
        if policy != "last" and is_best(self.policies, policy, self.candidates):
            weights = take_weights(self.objective.model)
            self.selected = self.work / SELECTED
            if self.ranks.main:
                save_file(weights, self.selected)

    def _save(self) -> None:
        began = time.monotonic()
        state = State(
            fingerprint=self.fingerprint,
            counters=self.counters,
            candidates=self.candidates,
            weights=take_weights(self.objective),
            optimisers=self.gradients.take(),
            selected=self.selected,
            metrics=self.lines,
        )
        if self.ranks.main:
            with TemporaryDirectory(dir=self.work) as directory:
                size = save_state(Path(directory), state)
                self.context.save_resume(f"step-{self.counters.step:08d}", Path(directory))
            self.meter.saved(time.monotonic() - began, size)
        self.pace.saved(time.monotonic() - began)
