"""score: one metric over the records of one cell."""
