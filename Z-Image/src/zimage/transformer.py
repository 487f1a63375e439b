"""S3-DiT, the transformer of Z-Image: one stream of tokens for image and caption (arXiv 2511.22699).

    latents ─ patches ─ embed ─ noise refiner ──┐
                                                ├─ [image ; caption] ─ layers ─ final layer ─ velocity
    caption ─ norm ─ embed ─ context refiner ───┘

Time enters the blocks as factors (`Modulation`), place as rotations of queries and keys. What is the same at every step
is computed once, and `forward` is no more than the sum of three: `prepare` (sequences, rotations, the caption's whole
path), `modulate` (the factors, of all steps at once), and `predict` (what is left for each step).

Deviations from the textbook DiT: norms before and after each layer, gates through tanh, no shift, and pads that are
learned tokens which are attended to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, cast

import torch
from torch import Tensor, nn

from zimage.config import TransformerConfig
from zimage.inputs import Batch, omni_batch, omni_items, plain_batch
from zimage.layers import Block, FinalLayer, Modulation, RMSNorm, TimestepEmbedder, modulation_dim
from zimage.precision import Linear, activation_dtype, set_products
from zimage.residency.stream import WeightStream
from zimage.rope import rotations
from zimage.sequence import Layout, Patch, joint_mask, patchify, size_of, unpatchify
from zimage.utils.attention import Attend


class Prediction(NamedTuple):
    """Output of the model.

    Attributes:
        sample: prediction (C, F, H, W) of each item.
    """

    sample: list[Tensor]


class Factors(NamedTuple):
    """Modulation of all blocks and of the final layer; (B, 1, dim) each."""

    noise_refiner: tuple[Modulation, ...]
    layers: tuple[Modulation, ...]
    final: Tensor

    def at(self, step: int) -> Factors:
        """Selects one step of a schedule that was modulated as a batch: (1, 1, dim) each."""
        now = slice(step, step + 1)
        picked = [tuple(Modulation(*(f[now] for f in block)) for block in blocks) for blocks in self[:2]]
        return Factors(picked[0], picked[1], self.final[now])


@dataclass(frozen=True)
class Prepared:
    """Precomputed inputs that all steps share.

    Attributes:
        batch: the batch.
        image: layout of the image stream.
        image_rope: rotations of the image stream, (B, S_image, head_dim / 2, 2).
        context: refined captions (and SigLIP features), (B, S_context, dim).
        rope: rotations of the joint sequence, (B, S, head_dim / 2, 2).
        mask: (B, S), False on padding of a ragged batch; None without padding.
        is_noisy: (B, S, 1), False on tokens of given images; None without given images.
        clean: modulation of given images; None without given images.
    """

    batch: Batch
    image: Layout
    image_rope: Tensor
    context: Tensor
    rope: Tensor
    mask: Tensor | None
    is_noisy: Tensor | None
    clean: Factors | None


AfterLayer = Callable[[int, Tensor], Tensor]
"""(index of a layer, its output (B, n, dim)) → what the next layer gets instead."""

Stack = Callable[[Tensor, AfterLayer | None], Tensor]
"""Runs a stack of layers on tokens (B, S, dim)."""


class Hints(Protocol):
    """What is put beside the model at one step and adds to its tokens, for example a ControlNet."""

    def refine(self, x: Tensor, prepared: Prepared, run: Stack) -> Tensor:
        """Runs the noise refiner on image tokens (B, S_image, dim)."""

    def run_layers(self, x: Tensor, prepared: Prepared, run: Stack) -> Tensor:
        """Runs the layers on the joint sequence (B, S, dim)."""


class Blocks(nn.ModuleList):
    """A stack of blocks.

    Attributes:
        stream: what brings the weights of blocks that are not on the device; None where all are.
    """

    stream: WeightStream | None = None

    def __init__(self, config: TransformerConfig, n_blocks: int, *, modulated: bool) -> None:
        super().__init__(
            Block(config.dim, config.n_heads, config.norm_eps, qk_norm=config.qk_norm, modulated=modulated)
            for _ in range(n_blocks)
        )

    def __iter__(self) -> Iterator[Block]:
        """Iterates over the blocks."""
        return cast("Iterator[Block]", super().__iter__())

    def modulation(self, condition: Tensor | None = None) -> tuple[Modulation, ...]:
        """Returns the modulation of each block; see `Block.modulation`."""
        return tuple(block.modulation(condition) for block in self)

    def forward(
        self,
        x: Tensor,
        factors: Iterable[Modulation],
        rope: Tensor,
        mask: Tensor | None,
        n_out: int | None = None,
        after: AfterLayer | None = None,
    ) -> Tensor:
        """Maps tokens (B, S, dim) → (B, n_out, dim); default: all S."""
        n_all, last = x.shape[1], len(self) - 1
        blocks = self if self.stream is None else self.stream.walk(self)
        for index, (block, modulation) in enumerate(zip(blocks, factors, strict=True)):
            x = block(x, modulation, rope, mask, n_out if n_out is not None and index == last else n_all)
            if after is not None:
                x = after(index, x)
        return x


class ZImageTransformer2DModel(nn.Module):
    """S3-DiT: predicts the negative velocity of noisy latents, towards the image."""

    def __init__(self, **published_config: object) -> None:
        """Builds the model from the entries of `transformer/config.json`; missing ones are those of Turbo.

        Raises:
            ConfigError: an entry is unknown or impossible.
        """
        super().__init__()
        self.config = config = TransformerConfig.from_dict(published_config)
        self._compute_dtype: torch.dtype | None = None
        self.stream: WeightStream | None = None
        patches = [Patch(*pair) for pair in zip(config.all_patch_size, config.all_f_patch_size, strict=True)]
        widths = {patch.key: config.in_channels * patch.frames * patch.side**2 for patch in patches}
        self.all_x_embedder = nn.ModuleDict({key: Linear(width, config.dim) for key, width in widths.items()})
        self.all_final_layer = nn.ModuleDict({key: FinalLayer(config.dim, width) for key, width in widths.items()})
        self.noise_refiner = Blocks(config, config.n_refiner_layers, modulated=True)
        self.context_refiner = Blocks(config, config.n_refiner_layers, modulated=False)
        self.layers = Blocks(config, config.n_layers, modulated=True)
        self.t_embedder = TimestepEmbedder(modulation_dim(config.dim))
        self.cap_embedder = _feature_embedder(config, config.cap_feat_dim)
        self.x_pad_token = nn.Parameter(torch.zeros(1, config.dim))
        self.cap_pad_token = nn.Parameter(torch.zeros(1, config.dim))
        if config.siglip_feat_dim is not None:
            self.siglip_embedder = _feature_embedder(config, config.siglip_feat_dim)
            self.siglip_refiner = Blocks(config, config.n_refiner_layers, modulated=False)
            self.siglip_pad_token = nn.Parameter(torch.zeros(1, config.dim))

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the weights."""
        return self.x_pad_token.dtype

    @property
    def compute_dtype(self) -> torch.dtype:
        """Dtype of products; see `zimage.precision`."""
        return self._compute_dtype or self.dtype

    @property
    def activation_dtype(self) -> torch.dtype:
        """Dtype of tokens and activations."""
        return activation_dtype(self.compute_dtype)

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return self.x_pad_token.device

    def blocks(self) -> list[Block]:
        """Returns all blocks, refiners included."""
        return [module for module in self.modules() if isinstance(module, Block)]

    def set_attention(self, attend: Attend) -> None:
        """Sets the attention kernel of all blocks; see `zimage.utils.attention`."""
        for block in self.blocks():
            block.attention.attend = attend

    def set_stream(self, stream: WeightStream | None) -> None:
        """Sets what brings the weights of blocks that are not on the device; see `zimage.residency`."""
        self.stream = stream
        for module in self.modules():
            if isinstance(module, Blocks):
                module.stream = stream

    def release(self) -> None:
        """Frees what was streamed to the device; the next forward brings it again."""
        if self.stream is not None:
            self.stream.release()

    def set_compute_dtype(self, dtype: torch.dtype | None) -> None:
        """Sets the dtype of products, and with it that of tokens and activations; None for that of the weights."""
        self._compute_dtype = dtype
        set_products(self, self.compute_dtype)

    def forward(
        self,
        x: Sequence[Tensor] | Sequence[Sequence[Tensor | None]],
        t: Tensor,
        cap_feats: Sequence[Tensor] | Sequence[Sequence[Tensor]],
        siglip_feats: Sequence[Sequence[Tensor | None] | None] | None = None,
        image_noise_mask: Sequence[Sequence[int]] | None = None,
        patch_size: int = 2,
        f_patch_size: int = 1,
    ) -> Prediction:
        """Predicts once; for many steps use `prepare`, `modulate` and `predict`.

        Args:
            x: latents (C, F, H, W) of each item. For Omni a list per item: given images, then the generated one;
                None where a piece of the caption has no image.
            t: (B,), times from 0 (noise) to 1 (image).
            cap_feats: caption features (L, cap_feat_dim) of each item; for Omni a list per item.
            siglip_feats: Omni only: features (H, W, siglip_feat_dim) of each image.
            image_noise_mask: Omni only: 1 for the generated image, 0 for given ones.
            patch_size: side of a patch.
            f_patch_size: frames of a patch.

        Raises:
            ValueError: the inputs do not match, or have an unsupported size.
        """
        patch = Patch(patch_size, f_patch_size)
        if isinstance(x[0], Tensor):
            images = list(cast("Sequence[Tensor]", x))
            batch = plain_batch([size_of(image) for image in images], cast("Sequence[Tensor]", cap_feats), patch)
        else:
            groups = cast("Sequence[Sequence[Tensor | None]]", x)
            captions = cast("Sequence[Sequence[Tensor]]", cap_feats)
            items = omni_items(groups, captions, siglip_feats, image_noise_mask)
            images = [image for item in items for image in item.present]
            batch = omni_batch(items, patch)
        return Prediction(self.predict(images, self.modulate(t, patch), self.prepare(batch)))

    def prepare(self, batch: Batch) -> Prepared:
        """Computes what all steps share: layouts, rotations and refined captions.

        Raises:
            ValueError: patch size, position or SigLIP features are unsupported.
        """
        self._check_patch(batch.patch)
        if batch.siglip is not None and self.config.siglip_feat_dim is None:
            raise ValueError("the model takes no SigLIP features: its configuration has no siglip_feat_dim")
        image, image_rope = self._place(batch.image)
        caption, caption_rope = self._place(batch.caption)
        tokens = caption.fill(
            self.cap_embedder(torch.cat(batch.captions).to(self.activation_dtype)), self.cap_pad_token
        )
        tokens = self.context_refiner(tokens, self.context_refiner.modulation(), caption_rope, caption.mask)
        context, layouts, ropes = [tokens], [image, caption], [image_rope, caption_rope]
        if batch.siglip is not None:
            siglip, siglip_rope = self._place(batch.siglip)
            tokens = siglip.fill(self._embed_siglip(batch.siglip_features), self.siglip_pad_token)
            context.append(self.siglip_refiner(tokens, self.siglip_refiner.modulation(), siglip_rope, siglip.mask))
            layouts.append(siglip)
            ropes.append(siglip_rope)
        return Prepared(
            batch=batch,
            image=image,
            image_rope=image_rope,
            context=torch.cat(context, dim=1),
            rope=torch.cat(ropes, dim=1),
            mask=joint_mask(layouts),
            is_noisy=torch.cat([layout.is_noisy for layout in layouts], dim=1) if batch.has_clean else None,
            clean=self.modulate(torch.ones(1, device=self.device), batch.patch) if batch.has_clean else None,
        )

    def modulate(self, t: Tensor, patch: Patch = Patch()) -> Factors:  # noqa: B008 — frozen
        """Returns the modulation at times (B,), of a batch or of all steps of a schedule."""
        self._check_patch(patch)
        condition = self.condition(t)
        final = cast("FinalLayer", self.all_final_layer[patch.key]).scale(condition)
        return Factors(self.noise_refiner.modulation(condition), self.layers.modulation(condition), final)

    def condition(self, t: Tensor) -> Tensor:
        """Embeds times (B,) → (B, 1, modulation_dim)."""
        embedded: Tensor = self.t_embedder(t * self.config.t_scale, self.activation_dtype)
        return embedded.unsqueeze(1)

    def predict(
        self, images: Sequence[Tensor], factors: Factors, prepared: Prepared, hints: Hints | None = None
    ) -> list[Tensor]:
        """Predicts one step.

        Args:
            images: latents (C, F, H, W) of all items in order.
            factors: modulation at the time of the step.
            prepared: precomputed inputs of the batch.
            hints: what is put beside the model at this step.

        Returns:
            The predictions, (C, F, H, W) for each item, in `activation_dtype`.
        """
        patch = prepared.batch.patch
        noisy, clean, layout = factors, prepared.clean or factors, prepared.image
        patches = torch.cat([patchify(image, patch) for image in images]).to(self.activation_dtype)
        x = layout.fill(self.all_x_embedder[patch.key](patches), self.x_pad_token)
        n_image = x.shape[1]
        of_image = None if prepared.is_noisy is None else prepared.is_noisy[:, :n_image]

        def refine(x: Tensor, after: AfterLayer | None) -> Tensor:
            refiner = _blend(noisy.noise_refiner, clean.noise_refiner, of_image)
            refined: Tensor = self.noise_refiner(x, refiner, prepared.image_rope, layout.mask, after=after)
            return refined

        def run_layers(x: Tensor, after: AfterLayer | None) -> Tensor:
            layers = _blend(noisy.layers, clean.layers, prepared.is_noisy)
            # What follows is of the image alone: the last layer leaves the caption out; without layers it is cut here.
            mapped: Tensor = self.layers(x, layers, prepared.rope, prepared.mask, n_image, after)[:, :n_image]
            return mapped

        x = refine(x, None) if hints is None else hints.refine(x, prepared, refine)
        x = torch.cat((x, prepared.context), dim=1)  # the order is free: places are told by the rotations alone
        x = run_layers(x, None) if hints is None else hints.run_layers(x, prepared, run_layers)
        final = noisy.final if of_image is None else torch.where(of_image, noisy.final, clean.final)
        features = self.all_final_layer[patch.key](x, final)
        targets = zip(features, prepared.batch.targets, strict=True)
        return [unpatchify(row[to.start : to.start + to.length], to.size, patch) for row, to in targets]

    def _place(self, layout: Layout) -> tuple[Layout, Tensor]:
        config = self.config
        rope = rotations(layout.positions, config.axes_dims, config.axes_lens, config.rope_theta)
        return layout.to(self.device), rope.to(self.device)

    def _embed_siglip(self, features: Sequence[Tensor]) -> Tensor:
        """Returns (tokens, dim); no token where no image has features, so that there are pads alone."""
        if not features:
            return self.siglip_pad_token.new_empty(0, self.config.dim, dtype=self.activation_dtype)
        embedded: Tensor = self.siglip_embedder(torch.cat(list(features)).to(self.activation_dtype))
        return embedded

    def _check_patch(self, patch: Patch) -> None:
        if patch.key not in self.all_x_embedder:
            raise ValueError(f"the model has no patches {patch.key!r}, it has {', '.join(self.all_x_embedder)}")


def _feature_embedder(config: TransformerConfig, width: int) -> nn.Sequential:
    return nn.Sequential(RMSNorm(width, config.norm_eps), Linear(width, config.dim))


def _blend(noisy: Sequence[Modulation], clean: Sequence[Modulation], is_noisy: Tensor | None) -> Iterator[Modulation]:
    """Chooses token by token between two times, block by block so that one block's factors are in memory."""
    if is_noisy is None:
        yield from noisy
        return
    for pair in zip(noisy, clean, strict=True):
        yield Modulation(*(torch.where(is_noisy, *factors) for factors in zip(*pair, strict=True)))
