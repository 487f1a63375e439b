"""What the three parts are built from; the defaults are those of the published Z-Image-Turbo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zimage.config.base import Config

N_AXES = 3  # frame or caption position, row, column


@dataclass(frozen=True)
class TransformerConfig(Config):
    """S3-DiT, as in `transformer/config.json`.

    Attributes:
        all_patch_size: side of a patch in latents, one for each pair of embedder and final layer.
        all_f_patch_size: frames of a patch, paired with `all_patch_size`.
        n_layers: layers over the joint sequence; `n_refiner_layers` go before them on each stream.
        n_kv_heads: equals `n_heads`, the family has no grouped attention.
        cap_feat_dim: width of the text encoder's features.
        siglip_feat_dim: width of the SigLIP features of the Omni variant; None where there are none.
        rope_theta: base of the rotary frequencies; head widths `axes_dims`, numbers of positions `axes_lens`.
        t_scale: what a time in [0, 1] is multiplied by before it is embedded.
    """

    all_patch_size: tuple[int, ...] = (2,)
    all_f_patch_size: tuple[int, ...] = (1,)
    in_channels: int = 16
    dim: int = 3840
    n_layers: int = 30
    n_refiner_layers: int = 2
    n_heads: int = 30
    n_kv_heads: int = 30
    norm_eps: float = 1e-5
    qk_norm: bool = True
    cap_feat_dim: int = 2560
    siglip_feat_dim: int | None = None
    rope_theta: float = 256.0
    t_scale: float = 1000.0
    axes_dims: tuple[int, ...] = (32, 48, 48)
    axes_lens: tuple[int, ...] = (1536, 512, 512)

    def __post_init__(self) -> None:
        """Validates the shapes."""
        widths = (self.in_channels, self.dim, self.n_heads, self.cap_feat_dim, *self.all_patch_size)
        self._require(
            min((*widths, *self.all_f_patch_size)) > 0,
            "in_channels, dim, n_heads, cap_feat_dim and the patch sizes must be positive, "
            f"got {self.in_channels}, {self.dim}, {self.n_heads}, {self.cap_feat_dim}, "
            f"{self.all_patch_size} and {self.all_f_patch_size}",
        )
        self._require(
            self.norm_eps > 0 and self.rope_theta > 0 and self.t_scale > 0,
            "norm_eps, rope_theta and t_scale must be positive, "
            f"got {self.norm_eps}, {self.rope_theta} and {self.t_scale}",
        )
        self._require(
            min(self.n_layers, self.n_refiner_layers) >= 0,
            f"numbers of layers cannot be negative, got {self.n_layers} and {self.n_refiner_layers}",
        )
        self._require(
            len(self.all_patch_size) == len(self.all_f_patch_size) > 0,
            f"all_patch_size {self.all_patch_size} and all_f_patch_size {self.all_f_patch_size} must pair up",
        )
        self._require(
            self.n_kv_heads == self.n_heads, f"n_kv_heads must equal n_heads {self.n_heads}, got {self.n_kv_heads}"
        )
        self._require(self.dim % self.n_heads == 0, f"dim {self.dim} must be a multiple of n_heads {self.n_heads}")
        self._require_axes()

    @property
    def head_dim(self) -> int:
        """Width of an attention head."""
        return self.dim // self.n_heads

    def _require_axes(self) -> None:
        dims, lens = self.axes_dims, self.axes_lens
        self._require(
            len(dims) == len(lens) == N_AXES, f"axes_dims and axes_lens need three axes, got {dims} and {lens}"
        )
        self._require(
            all(dim > 0 and dim % 2 == 0 for dim in dims) and sum(dims) == self.head_dim,
            f"axes_dims must be even and add up to the head width {self.head_dim}, got {dims}",
        )
        self._require(min(lens) > 0, f"axes_lens must be positive, got {lens}")


@dataclass(frozen=True)
class VaeConfig(Config):
    """AutoencoderKL, as in `vae/config.json`.

    Attributes:
        block_out_channels: channels of the levels, the finest first; every level but the last halves the image.
        layers_per_block: residual blocks of an encoder's level; the decoder has one more.
        sample_size: side of the training images in pixels.
        scaling_factor: latents = (encoded − `shift_factor`) · `scaling_factor`.
        force_upcast: said by published files, of no effect here: the caller chooses the dtype.
    """

    REQUIRED_IN_FILE: ClassVar[frozenset[str]] = frozenset({"scaling_factor", "shift_factor"})

    in_channels: int = 3
    out_channels: int = 3
    down_block_types: tuple[str, ...] = ("DownEncoderBlock2D",) * 4
    up_block_types: tuple[str, ...] = ("UpDecoderBlock2D",) * 4
    block_out_channels: tuple[int, ...] = (128, 256, 512, 512)
    layers_per_block: int = 2
    act_fn: str = "silu"
    latent_channels: int = 16
    norm_num_groups: int = 32
    sample_size: int = 1024
    scaling_factor: float = 0.3611
    shift_factor: float | None = 0.1159
    latents_mean: tuple[float, ...] | None = None
    latents_std: tuple[float, ...] | None = None
    force_upcast: bool = True
    use_quant_conv: bool = False
    use_post_quant_conv: bool = False
    mid_block_add_attention: bool = True

    def __post_init__(self) -> None:
        """Validates block types, channels and norm groups."""
        levels = len(self.block_out_channels)
        self._require(
            levels > 0 and min(self.block_out_channels) > 0, f"bad block_out_channels {self.block_out_channels}"
        )
        for name, kind in (("down_block_types", "DownEncoderBlock2D"), ("up_block_types", "UpDecoderBlock2D")):
            given = getattr(self, name)
            self._require(given == (kind,) * levels, f"{name} must be {levels} times {kind}, got {given}")
        self._require(self.act_fn == "silu", f"act_fn must be 'silu', got {self.act_fn!r}")
        self._require(
            self.norm_num_groups > 0 and all(width % self.norm_num_groups == 0 for width in self.block_out_channels),
            f"block_out_channels {self.block_out_channels} must be multiples of norm_num_groups {self.norm_num_groups}",
        )
        self._require(self.scaling_factor > 0, f"scaling_factor must be positive, got {self.scaling_factor}")
        self._require(
            self.latents_mean is None and self.latents_std is None,
            "latents_mean and latents_std must be null: the family scales by scaling_factor and shift_factor",
        )

    @property
    def size_multiple(self) -> int:
        """Pixels per latent along a side."""
        return int(2 ** (len(self.block_out_channels) - 1))


@dataclass(frozen=True)
class SchedulerConfig(Config):
    """FlowMatchEulerDiscreteScheduler, as in `scheduler/scheduler_config.json`.

    Attributes:
        shift: static shift towards high noise; Turbo 3, the base model says its own.
        use_dynamic_shifting: shift by the number of image tokens instead, between `base_shift` at
            `base_image_seq_len` and `max_shift` at `max_image_seq_len`.
    """

    REQUIRED_IN_FILE: ClassVar[frozenset[str]] = frozenset({"shift"})

    num_train_timesteps: int = 1000
    shift: float = 3.0
    use_dynamic_shifting: bool = False
    base_shift: float | None = 0.5
    max_shift: float | None = 1.15
    base_image_seq_len: int = 256
    max_image_seq_len: int = 4096
    invert_sigmas: bool = False
    shift_terminal: float | None = None
    use_karras_sigmas: bool = False
    use_exponential_sigmas: bool = False
    use_beta_sigmas: bool = False
    time_shift_type: str = "exponential"
    stochastic_sampling: bool = False

    def __post_init__(self) -> None:
        """Validates the values."""
        self._require(self.num_train_timesteps > 0, f"num_train_timesteps must be positive: {self.num_train_timesteps}")
        self._require(self.shift > 0, f"shift must be positive, got {self.shift}")
        self._require(
            0 < self.base_image_seq_len < self.max_image_seq_len,
            f"base_image_seq_len {self.base_image_seq_len} must be below max_image_seq_len {self.max_image_seq_len}",
        )
        self._require(
            self.time_shift_type in ("exponential", "linear"),
            f"time_shift_type must be 'exponential' or 'linear', got {self.time_shift_type!r}",
        )
