"""A quantised GGUF checkpoint becomes an ordinary fp32 model, once.

``transformers`` marks what it loads from GGUF as quantised, and trainers refuse that; the
weights are plain numbers by then, so the mark is taken off. What quantisation lost is lost:
the step's summary says so.
"""

from pathlib import Path
from typing import Any

from clt_jobs.models.load import forget_origin, silence_bars
from clt_operator.api.errors import InputError


def dequantise(path: Path) -> tuple[Any, Any, str]:
    """The model (fp32), its tokenizer, and the name of the file's quantisation.

    Raises InputError where the file is not a GGUF checkpoint of a known model.
    """
    quantisation = _quantisation(path)
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    silence_bars()
    place = {"gguf_file": path.name, "local_files_only": True}
    try:
        tokenizer = AutoTokenizer.from_pretrained(path.parent, **place)
        model = AutoModelForCausalLM.from_pretrained(path.parent, dtype=torch.float32, **place)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise InputError(f"{path}: cannot be loaded: {error}") from error
    for holder, name in (
        (model.config, "quantization_config"),
        (model, "quantization_method"),
        (model, "hf_quantizer"),
    ):
        if hasattr(holder, name):
            delattr(holder, name)
    model.is_quantized = False
    model.config.architectures = [type(model).__name__]
    return model, forget_origin(tokenizer), quantisation


def _quantisation(path: Path) -> str:
    """The file type that the header states, such as MOSTLY_Q4_1."""
    from gguf import GGUFReader, LlamaFileType

    try:
        field = GGUFReader(path).fields.get("general.file_type")
        return LlamaFileType(int(field.parts[-1][0])).name if field is not None else "unstated"
    except (OSError, ValueError, IndexError) as error:
        raise InputError(f"{path}: not a readable GGUF file: {error}") from error
