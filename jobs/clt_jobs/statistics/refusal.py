"""What a statistic says instead of a number that would mislead."""


class Refused(ValueError):
    """The quantity is not defined for these data; the message says why, for the reader."""
