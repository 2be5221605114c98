"""Generated rows: tasks in real languages without a download, registered by name."""

from clt_jobs.data.generators.number_words import alphabet_of
from clt_jobs.data.generators.registry import generate, generator, generator_names
from clt_jobs.data.generators.spelling import spellable

__all__ = ["alphabet_of", "generate", "generator", "generator_names", "spellable"]
