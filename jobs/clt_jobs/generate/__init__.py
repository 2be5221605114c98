"""generate: answers of one checkpoint to the items of one cell. Model output is data.

``items`` chooses rows, ``prompts`` makes token sequences, ``causal`` runs a model over a batch
with a key-value cache, ``decode`` picks tokens, ``records`` is the table, ``step`` joins them.
``likelihood`` uses the same items, prompts, model cache and batches.
"""
