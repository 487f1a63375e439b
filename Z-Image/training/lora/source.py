"""The base model: opened once, loaded in two halves, so that encoders and transformer need not fit together."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from zimage.autoencoder import AutoencoderKL
from zimage.config import SchedulerConfig
from zimage.errors import PartError, WeightsError
from zimage.placement import Placement, default_device
from zimage.precision import activation_dtype
from zimage.quant.linear import QuantLinear
from zimage.quant.products import DECODE
from zimage.scheduler import FlowMatchEulerDiscreteScheduler
from zimage.sequence import Patch
from zimage.text.encoder import PromptEncoder, build_text_model
from zimage.text.tokenizer import PromptTokenizer, load_embedded_tokenizer, load_tokenizer
from zimage.transformer import ZImageTransformer2DModel
from zimage.weights.building import build_vae
from zimage.weights.folder import INDEX, read_config
from zimage.weights.parts import ModelFiles, load_transformer, open_model

from training.lora.errors import TrainingError
from training.lora.material.buckets import Size, sizes_within

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
DEFAULT_RESOLUTION = 1024


@dataclass(frozen=True)
class ModelPaths:
    """Where a model is: a folder in the published layout, or files of its parts.

    Attributes:
        model: the folder, the file of the transformer, or a file with all parts.
        text_encoder: a file; default: that of the transformer.
        vae: the same.
        tokenizer: a folder; default: Qwen3's.
        shift: of the noise schedule, which no file of a part shows.
    """

    model: Path
    text_encoder: Path | None = None
    vae: Path | None = None
    tokenizer: Path | None = None
    shift: float = SchedulerConfig.shift

    @property
    def is_folder(self) -> bool:
        """Whether it is in the published layout."""
        return (self.model / INDEX).is_file()

    def files(self) -> tuple[Path, Path, Path]:
        """Returns the files, or folders, of transformer, text encoder and autoencoder."""
        if self.is_folder:
            return self.model / "transformer", self.model / "text_encoder", self.model / "vae"
        return self.model, self.text_encoder or self.model, self.vae or self.model


@dataclass(frozen=True)
class Source:
    """A model whose headers are read.

    Attributes:
        name: what results say that they were trained on.
        paths: where it is.
        files: of its parts.
        tokenizer: of its text encoder.
        scheduler: its noise schedule.
        place: where and in which dtype it computes.
    """

    name: str
    paths: ModelPaths
    files: ModelFiles
    tokenizer: PromptTokenizer
    scheduler: SchedulerConfig
    place: Placement

    @property
    def size_multiple(self) -> int:
        """Divisor of image sides, in pixels."""
        return self.files.vae_config.size_multiple * Patch().side

    def sizes(self, resolution: int | None) -> list[Size]:
        """Returns the sizes to train at: those of an area, or else those that the model offers.

        Raises:
            TrainingError: the resolution is smaller than the grid.
        """
        facts = self.paths.model / "zimage.json"
        if resolution is None and facts.is_file():
            offered = json.loads(facts.read_text("utf-8")).get("sizes")
            if offered:
                return [(int(width), int(height)) for width, height in offered]
        return sizes_within(resolution or DEFAULT_RESOLUTION, self.size_multiple)

    def load_encoders(self) -> tuple[PromptEncoder, AutoencoderKL]:
        """Loads what encodes captions and pictures.

        Raises:
            PartError: a file is damaged or does not fit.
        """
        text, place = self.files.text_encoder, self.place
        try:
            model = build_text_model(self.files.text_encoder_config, text.path, text.tensors, **place.for_loading())
        except WeightsError as error:
            raise PartError("text_encoder", error) from error
        return PromptEncoder(model, self.tokenizer), self.load_vae()

    def load_vae(self) -> AutoencoderKL:
        """Loads the autoencoder.

        Raises:
            PartError: its file is damaged or does not fit.
        """
        vae, place = self.files.vae, self.place
        dtype = activation_dtype(place.compute_dtype)
        try:
            return build_vae(self.files.vae_config, vae.path, vae.tensors, dtype=dtype, device=place.device)
        except WeightsError as error:
            raise PartError("vae", error) from error

    def load_transformer(self) -> ZImageTransformer2DModel:
        """Loads the transformer, frozen, with products that gradients pass through.

        Raises:
            PartError: its file is damaged or does not fit.
        """
        transformer = load_transformer(self.files.transformer, **self.place.for_loading())
        for layer in transformer.modules():
            if isinstance(layer, QuantLinear):
                layer.set_product(DECODE)
        return transformer

    def build_scheduler(self) -> FlowMatchEulerDiscreteScheduler:
        """Returns the noise schedule."""
        return FlowMatchEulerDiscreteScheduler(**self.scheduler.to_dict())


def open_source(
    paths: ModelPaths, device: str | None = None, dtype: str | None = None, quantization: str | None = None
) -> Source:
    """Reads the headers of a model and chooses where it computes.

    Args:
        paths: where it is.
        device: default: an accelerator if present.
        dtype: one of `DTYPES`; default: float32 on a CPU, else bfloat16.
        quantization: what its matrices are held in, see `zimage.quant`; default: all in `dtype`.

    Raises:
        TrainingError: there is nothing at the path, or options contradict each other.
        PartError: a part is missing, damaged, or of another kind of model.
        ConfigError: the quantization is unknown.
    """
    if not paths.model.exists():
        raise TrainingError(f"--model {paths.model} does not exist")
    files = (paths.text_encoder, paths.vae, paths.tokenizer)
    if paths.is_folder and any(file is not None for file in files):
        raise TrainingError("--text-encoder, --vae and --tokenizer are for single files: the folder has its own")
    scheduler = SchedulerConfig(shift=paths.shift)
    if paths.is_folder:
        scheduler = read_config(paths.model).scheduler
        tokenizer = load_tokenizer(paths.model / "tokenizer")
    else:
        tokenizer = load_embedded_tokenizer() if paths.tokenizer is None else load_tokenizer(paths.tokenizer)
    opened = open_model(*paths.files())
    if tokenizer.n_tokens > (known := opened.text_encoder_config.vocab_size):
        raise TrainingError(f"the text encoder knows {known} tokens, the tokenizer has {tokenizer.n_tokens}")
    where = torch.device(device or default_device())
    chosen = DTYPES[dtype or ("float32" if where.type == "cpu" else "bfloat16")]
    place = Placement.choose(opened.transformer_config, where, chosen, "sdpa", None, quantization)
    return Source(paths.model.resolve().stem, paths, opened, tokenizer, scheduler, place)
