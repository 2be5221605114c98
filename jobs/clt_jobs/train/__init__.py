"""train: one model from a base and an exact mixture.

``step`` is the entry; it builds a ``loop`` from small parts: ``corpus`` and ``batches`` (which
rows stand in which step, pure arithmetic), ``weights`` and ``objectives`` (what is minimised),
``optimiser`` and ``schedule``, ``validation`` and ``selection``, ``checkpoint`` (resume), ``log``.
The state of a training is its step number and its tensors: everything else is a function of
parameters and position.
"""
