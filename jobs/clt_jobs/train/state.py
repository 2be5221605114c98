"""Tensors of a training by name: taken whole from any wrapping or sharding, and put back.

What is taken is a copy on the CPU, so that nothing which runs later can change it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from clt_operator.api.errors import InputError

Tensors = dict[str, torch.Tensor]


def take_weights(module: nn.Module) -> Tensors:
    """Copies of everything that training can change: trainable parameters and buffers.

    Collective where parameters are sharded.
    """
    return {name: _whole(tensor) for name, tensor in _changeable(module)}


def put_weights(module: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Overwrites what ``take_weights`` takes. Raises InputError where the names differ."""
    own = dict(_changeable(module))
    _same_names("weights", set(own), set(weights))
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(_placed(weights[name], tensor))


def take_optimiser(optimiser: Any, names: Mapping[nn.Parameter, str]) -> Tensors:
    """Copies of an optimiser's state as ``<parameter>/<entry>``."""
    return {
        f"{names[parameter]}/{entry}": _whole(value)
        for parameter, state in optimiser.state.items()
        for entry, value in state.items()
        if isinstance(value, torch.Tensor)
    }


def put_optimiser(
    optimiser: Any, names: Mapping[nn.Parameter, str], tensors: Mapping[str, torch.Tensor]
) -> None:
    """Sets an optimiser's state to what ``take_optimiser`` took."""
    by_name = {name: parameter for parameter, name in names.items()}
    _same_names("optimiser", set(by_name), {name.rpartition("/")[0] for name in tensors})
    for name, value in tensors.items():
        owner, _, entry = name.rpartition("/")
        parameter = by_name[owner]
        moment = value.dim() == parameter.dim() and value.shape == parameter.shape
        optimiser.state[parameter][entry] = _placed(value, parameter) if moment else value.clone()


def names_of(module: nn.Module, parameters: Sequence[nn.Parameter]) -> dict[nn.Parameter, str]:
    """The names of some of a module's parameters."""
    wanted = set(parameters)
    return {p: name for name, p in module.named_parameters() if p in wanted}


def _changeable(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            yield name, parameter
    stored = set(module.state_dict(keep_vars=True))
    yield from ((name, buffer) for name, buffer in module.named_buffers() if name in stored)


def _whole(tensor: torch.Tensor) -> torch.Tensor:
    gather = getattr(tensor, "full_tensor", None)  # a sharded tensor has it
    full: torch.Tensor = gather() if gather else tensor
    return full.detach().to("cpu", copy=True).contiguous()


def _placed(value: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """``value`` on the device, and in the shards, of ``like``."""
    if hasattr(like, "device_mesh"):
        from torch.distributed.tensor import distribute_tensor

        return distribute_tensor(
            value.to(like.device), like.device_mesh, getattr(like, "placements", None)
        )
    return value.to(like.device, copy=True)


def _same_names(what: str, own: set[str], given: set[str]) -> None:
    if own != given:
        odd = ", ".join(sorted(own ^ given)[:3])
        raise InputError(
            f"saved {what} do not fit the model: {len(own ^ given)} names differ ({odd}, …)"
        )
