"""likelihood: log-probabilities of the gold answer and of fixed wrong ones, per item."""
