"""Metrics: pure functions from the records of a cell to one score per item.

One file per metric; each registers itself with its name, version, arguments and the kind of
records that it needs. Extraction and tokenisation are apart, so that every choice that moves
a score is named in the metric's signature.
"""
