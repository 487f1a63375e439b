"""Strict loader: the tensors of model and file must match one to one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from zimage.errors import WeightsError
from zimage.quant.linear import BlockLinear, Quantization, QuantLinear
from zimage.quant.packing import is_quantizable
from zimage.residency.host_part import HostPart
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.names.single_file import to_published
from zimage.weights.packed import block_type, read_blocks, read_packed
from zimage.weights.quantized import AnyTensor

Rename = Callable[[str], str | None]


def load_weights(
    model: nn.Module,
    folder: Path,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str = "cpu",
    rename: Rename | None = None,
) -> None:
    """Loads weights into a model that was built on the meta device.

    Names and shapes are checked against the headers before any value is read. Memory peaks at the size of the model
    plus one chunk of a tensor.

    Args:
        model: model whose parameters and persistent buffers are replaced.
        folder: safetensors file, or folder with one or with shards and index; both key layouts are read.
        dtype: dtype of floating-point tensors; None keeps the stored one.
        device: device of the tensors.
        rename: maps stored names to names of the model; None skips a tensor.

    Raises:
        WeightsError: files are missing or damaged, or tensors are missing, unexpected or of another shape or
            kind. The message names all of them.
    """
    load_tensors(
        model, folder, rename_tensors(to_published(open_checkpoint(folder)), rename), dtype=dtype, device=device
    )


def load_tensors(
    model: nn.Module,
    source: Path,
    stored: Mapping[str, AnyTensor],
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str = "cpu",
    quantization: Quantization | None = None,
    on_host: HostPart | None = None,
) -> None:
    """Loads tensors into a model that was built on the meta device; see `load_weights`.

    Args:
        model: model whose parameters and persistent buffers are replaced.
        source: where the tensors are from, for messages.
        stored: tensors by the names of the model.
        dtype: dtype of floating-point tensors; None keeps the stored one.
        device: device of the tensors.
        quantization: what the matrices of attentions and feed-forwards are held in; None for `dtype`.
        on_host: tensors that are loaded into the main memory and stay there; None for none.

    Raises:
        WeightsError: files are damaged, or tensors are missing, unexpected or of another shape or kind.
    """
    wanted = model.state_dict()
    stored = {
        name: where.fitted(tuple(wanted[name].shape)) if name in wanted else where for name, where in stored.items()
    }
    _require_fit(source, wanted, stored)
    _require_no_other_meta(model, wanted)
    in_blocks = quantization is not None and quantization.keeps_blocks and any(map(block_type, stored.values()))
    for name, where in stored.items():
        with _errors_of(name):
            stays = on_host is not None and name in on_host.names
            place = "cpu" if stays else device
            stays_plain = not is_quantizable(name) or (in_blocks and block_type(where) is None)
            if quantization is None or stays_plain:
                _assign(model, name, where.read(dtype, place))
            else:
                _replace(model, name, _quantized(model, name, where, quantization, place), device)
            if on_host is not None and stays:
                on_host.keep(model, name)


@contextmanager
def _errors_of(name: str) -> Iterator[None]:
    """Names the tensor that cannot be read: a disk fails, or a file was changed since its header was read."""
    try:
        yield
    except WeightsError as error:
        raise WeightsError(f"{name}: {error}") from error


def _quantized(
    model: nn.Module, name: str, where: AnyTensor, quantization: Quantization, place: torch.device | str
) -> nn.Module:
    """Returns the layer of a matrix with it quantised in one place."""
    found = model.get_submodule(name.removesuffix(".weight")).bias
    bias = found if isinstance(found, nn.Parameter) else None
    if quantization.keeps_blocks and block_type(where) is not None:
        return BlockLinear(*read_blocks(where, place), bias)
    return QuantLinear(read_packed(where, quantization.format, device=place), quantization.product, bias)


def _replace(model: nn.Module, name: str, layer: nn.Module, device: torch.device | str) -> None:
    """Replaces the layer of a matrix by another; all but the matrix goes to the device."""
    for small, buffer in layer.named_buffers():
        if small != "weight":
            setattr(layer, small, buffer.to(device))
    owner_name, _, leaf = name.removesuffix(".weight").rpartition(".")
    setattr(model.get_submodule(owner_name), leaf, layer)


def rename_tensors(stored: Mapping[str, AnyTensor], rename: Rename | None) -> dict[str, AnyTensor]:
    """Returns tensors by their names in a model; those without one are left out.

    Raises:
        WeightsError: two tensors get one name.
    """
    if rename is None:
        return dict(stored)
    kept: dict[str, AnyTensor] = {}
    for name, where in stored.items():
        new_name = rename(name)
        if new_name in kept:
            raise WeightsError(f"{where.path}: {name} is a second {new_name}")
        if new_name is not None:
            kept[new_name] = where
    return kept


def _require_fit(source: Path, wanted: Mapping[str, Tensor], stored: Mapping[str, AnyTensor]) -> None:
    faults = [f"missing {name}" for name in wanted if name not in stored]
    faults += [f"not expected {name}" for name in stored if name not in wanted]
    faults += [
        f"misshapen {name}: {_shape(where.shape)} instead of {_shape(wanted[name].shape)}"
        for name, where in stored.items()
        if name in wanted and where.shape != tuple(wanted[name].shape)
    ]
    faults += [
        f"mistyped {name}: it holds {_kind(where.dtype)} instead of {_kind(wanted[name].dtype)}"
        for name, where in stored.items()
        if name in wanted and where.dtype.is_floating_point != wanted[name].is_floating_point()
    ]
    if faults:
        raise WeightsError(f"{source} does not fit the model, {len(faults)} tensors: {'; '.join(faults)}")


def _require_no_other_meta(model: nn.Module, wanted: Mapping[str, Tensor]) -> None:
    empty = [name for name, buffer in model.named_buffers() if buffer.is_meta and name not in wanted]
    if empty:
        raise WeightsError(f"buffers have no values and no file has them, compute them instead: {', '.join(empty)}")


def _assign(model: nn.Module, name: str, tensor: Tensor) -> None:
    owner_name, _, leaf = name.rpartition(".")
    owner = model.get_submodule(owner_name)
    old = getattr(owner, leaf)
    if isinstance(old, nn.Parameter):
        setattr(owner, leaf, nn.Parameter(tensor, requires_grad=old.requires_grad and tensor.is_floating_point()))
    else:
        setattr(owner, leaf, tensor)


def _kind(dtype: torch.dtype) -> str:
    return "fractions" if dtype.is_floating_point else "whole numbers"


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "scalar"
