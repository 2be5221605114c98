"""fetch of a model: from a directory, a hub, a GGUF file, or freshly initialised."""

from clt_jobs.context import Context
from clt_operator.api.kinds.fetch import ModelRequest


def fetch_model(request: ModelRequest, context: Context) -> None:
    """Writes the outputs ``model`` (weights, configuration, tokenizer) and ``tokenizer``."""
    raise NotImplementedError
