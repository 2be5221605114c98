"""Control plane: turns an experiment into steps and steps into Jobs. Never imports torch."""

__version__ = "0.1.0"
