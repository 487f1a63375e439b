"""What a prediction needs to know of a model, from the headers of its files."""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from backend.services.errors import ModelBroken
from backend.services.generation.planning.load_plan import Blocks, Quantized, Weights
from backend.services.library.files import ModelFiles, Signature
from backend.utils.zimage_library import make_importable

if TYPE_CHECKING:
    from zimage.weights.parts import ModelFiles as NativeFiles
    from zimage.weights.parts import PartFile

MAX_KEPT = 64
LAYER = re.compile(r"((?:noise_refiner|context_refiner|siglip_refiner|layers)\.\d+)\.")
ONCE = ("context_refiner.", "siglip_refiner.")
TABLE = "embed_tokens.weight"


@dataclass(frozen=True)
class ModelFacts:
    """Sizes of a model.

    Attributes:
        transformer_values: number of its values; of the other parts likewise.
        stored_bytes: on the disk.
        width: of the transformer's tokens; 0 where only diffusers knows the model, as for what follows.
        n_layers: layers that see all tokens.
        vae_width: channels of the autoencoder's layers at full resolution; as published where nobody tells.
        grid_px: side of a token, in pixels.
        stored: what the transformer's matrices are stored in, where they can stay so in memory.
        blocks: matrices of transformer and text encoder that can stay in the blocks of GGUF files; of the text encoder,
            those of layers that are loaded.
        latent_px: side of a latent, in pixels.
        n_blocks: of the transformer, refiners included.
        block_values: values of the matrices of one.
        once_blocks: those of them that run once an image.
        text_layers: of the text encoder that are loaded.
        text_layer_values: values of the matrices of one.
        embedding_values: values of the table of tokens.
        control_values: of ControlNets beside the transformer; likewise of LoRAs.
    """

    transformer_values: int
    text_encoder_values: int
    vae_values: int
    stored_bytes: int
    width: int = 0
    n_layers: int = 0
    vae_width: int = 128
    grid_px: int = 16
    stored: Quantized | None = None
    blocks: tuple[Blocks, Blocks] = (Blocks(), Blocks())
    latent_px: int = 8
    n_blocks: int = 0
    block_values: int = 0
    once_blocks: int = 2
    text_layers: int = 0
    text_layer_values: int = 0
    embedding_values: int = 0
    control_values: int = 0
    lora_values: int = 0

    def beside(self, control_values: int, lora_values: int = 0) -> ModelFacts:
        """Returns what the model, its ControlNets and LoRAs are together."""
        return replace(self, control_values=control_values, lora_values=lora_values)

    @property
    def is_native(self) -> bool:
        """Whether the native library reads the model."""
        return self.width > 0

    @property
    def parts(self) -> tuple[int, int, int]:
        """Values of each part."""
        return self.transformer_values, self.text_encoder_values, self.vae_values

    @property
    def weights(self) -> Weights:
        """Sizes of the parts as they can be held."""
        return Weights(
            *self.parts,
            stored=self.stored,
            blocks=self.blocks,
            is_native=self.is_native,
            n_blocks=self.n_blocks,
            block_values=self.block_values,
            once_blocks=self.once_blocks,
            text_layers=self.text_layers,
            text_layer_values=self.text_layer_values,
            embedding_values=self.embedding_values,
            controls=self.control_values,
            loras=self.lora_values,
        )


class FactsReader:
    """Reads the facts of models; headers are read once until a file changes. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[ModelFiles, tuple[Signature, ...]], ModelFacts] = {}

    def read(self, files: ModelFiles) -> ModelFacts:
        """Returns the facts of a model.

        Raises:
            ModelBroken: a file is missing, damaged or truncated; the message names it.
        """
        try:
            key = files, files.signature()
        except OSError as error:
            raise ModelBroken(f"The weights of {files.name} cannot be read: {error.strerror}.") from error
        with self._lock:
            known = self._known.pop(key, None)
        facts = known or read_facts(files)
        with self._lock:
            self._known[key] = facts  # the latest stands last
            if len(self._known) > MAX_KEPT:
                del self._known[next(iter(self._known))]
        return facts


def read_facts(files: ModelFiles) -> ModelFacts:
    """Reads headers and, where they are, configurations.

    Raises:
        ModelBroken: a file is damaged or truncated; the message names it.
    """
    make_importable()
    from zimage.errors import PartError

    try:
        return _read_native(files)
    except PartError as error:
        if files.folder is None:
            raise ModelBroken(f"The weights of {files.name} are damaged: {files.without_paths(str(error))}") from error
    try:
        return _read_headers(files)  # what the library does not read may be one for the other engine
    except ValueError as error:
        raise ModelBroken(f"The weights of {files.name} are damaged: {files.without_paths(str(error))}") from error


def _read_native(files: ModelFiles) -> ModelFacts:
    from zimage.weights.folder import read_config
    from zimage.weights.parts import open_model

    if files.folder is not None:
        read_config(files.folder)  # what the library would refuse is not its own
    return facts_of(open_model(*files.parts))


def facts_of(model: NativeFiles) -> ModelFacts:
    """Returns the facts of a model whose headers were read."""
    tensors = [part.tensors.values() for part in (model.transformer, model.text_encoder, model.vae)]
    transformer, text_encoder, vae = (sum(tensor.numel for tensor in part) for part in tensors)
    last_text_layer = f"layers.{_loaded_text_layers(model)}."
    blocks = _blocks(model.transformer), _blocks(model.text_encoder, last_text_layer)
    return ModelFacts(
        transformer,
        text_encoder,
        vae,
        sum(tensor.size_bytes for part in tensors for tensor in part),
        width=model.transformer_config.dim,
        n_layers=model.transformer_config.n_layers,
        vae_width=model.vae_config.block_out_channels[0],
        grid_px=model.vae_config.size_multiple * min(model.transformer_config.all_patch_size),
        stored="gguf" if 2 * blocks[0].values > transformer else _stored(model.transformer),
        blocks=blocks,
        latent_px=model.vae_config.size_multiple,
        **_stacks(model),
    )


def _stacks(model: NativeFiles) -> dict[str, int]:
    """Counts blocks and layers, and the values of the matrices of one."""
    blocks = _matrices_by_layer(model.transformer)
    layers = _matrices_by_layer(model.text_encoder)
    table = (tensor.numel for name, tensor in model.text_encoder.tensors.items() if name.endswith(TABLE))
    return {
        "n_blocks": len(blocks),
        "block_values": max(blocks.values(), default=0),
        "once_blocks": sum(name.startswith(ONCE) for name in blocks),
        "text_layers": min(_loaded_text_layers(model), len(layers)),
        "text_layer_values": max(layers.values(), default=0),
        "embedding_values": sum(table),
    }


def _loaded_text_layers(model: NativeFiles) -> int:
    return model.text_encoder_config.num_hidden_layers - 1  # the last one is left out


def _matrices_by_layer(part: PartFile) -> Counter[str]:
    from zimage.quant.packing import is_quantizable

    found: Counter[str] = Counter()
    for name, tensor in part.tensors.items():
        if is_quantizable(name) and (layer := LAYER.search(name)) is not None:
            found[layer[1]] += tensor.numel
    return found


def _blocks(part: PartFile, left_out: str = "") -> Blocks:
    """Counts what can stay in the blocks of a GGUF file, but for a layer that is not loaded."""
    from zimage.quant.packing import is_quantizable
    from zimage.weights.packed import block_type

    kept = [
        stored
        for name, stored in part.tensors.items()
        if is_quantizable(name) and block_type(stored) and not (left_out and left_out in name)
    ]
    return Blocks(sum(stored.numel for stored in kept), sum(stored.size_bytes for stored in kept))


def _stored(transformer: PartFile) -> Quantized | None:
    formats: Counter[str] = Counter()
    for tensor in transformer.tensors.values():
        formats[tensor.format] += tensor.numel
    [(most, _)] = formats.most_common(1)
    return stored_as(most)


def stored_as(format: str) -> Quantized | None:
    """Returns what matrices of a format can stay in; None for those that are decoded when they are loaded."""
    return "int8" if format.startswith("int8") else "fp8" if format.startswith(("float8", "F8")) else None


def _read_headers(files: ModelFiles) -> ModelFacts:
    from zimage.errors import WeightsError
    from zimage.weights.checkpoint import open_checkpoint
    from zimage.weights.files.safetensors_header import count_values
    from zimage.weights.selection import choose_checkpoint

    def count(part: Path) -> int:
        try:
            return sum(tensor.numel for tensor in open_checkpoint(part).values())
        except WeightsError:
            return sum(map(count_values, choose_checkpoint(part).files))

    stored_bytes = sum(file.stat().st_size for part in files.parts for file in part.glob("*.safetensors"))
    transformer, text_encoder, vae = (count(part) for part in files.parts)
    return ModelFacts(transformer, text_encoder, vae, stored_bytes)
