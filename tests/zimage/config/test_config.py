"""Configurations: the published ones are read as they are, everything else is an error that says what is wrong."""

import json

import pytest
from zimage.config import InferenceSettings, SchedulerConfig, TransformerConfig, VaeConfig
from zimage.errors import ConfigError

PUBLISHED_TRANSFORMER = {
    "_class_name": "ZImageTransformer2DModel",
    "_diffusers_version": "0.36.0.dev0",
    "all_f_patch_size": [1],
    "all_patch_size": [2],
    "axes_dims": [32, 48, 48],
    "axes_lens": [1536, 512, 512],
    "cap_feat_dim": 2560,
    "dim": 3840,
    "in_channels": 16,
    "n_heads": 30,
    "n_kv_heads": 30,
    "n_layers": 30,
    "n_refiner_layers": 2,
    "norm_eps": 1e-05,
    "qk_norm": True,
    "rope_theta": 256.0,
    "t_scale": 1000.0,
}
PUBLISHED_VAE = {
    "_class_name": "AutoencoderKL",
    "_diffusers_version": "0.36.0.dev0",
    "_name_or_path": "flux-dev",
    "act_fn": "silu",
    "block_out_channels": [128, 256, 512, 512],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "force_upcast": True,
    "in_channels": 3,
    "latent_channels": 16,
    "latents_mean": None,
    "latents_std": None,
    "layers_per_block": 2,
    "mid_block_add_attention": True,
    "norm_num_groups": 32,
    "out_channels": 3,
    "sample_size": 1024,
    "scaling_factor": 0.3611,
    "shift_factor": 0.1159,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "use_post_quant_conv": False,
    "use_quant_conv": False,
}
PUBLISHED_SCHEDULER = {
    "_class_name": "FlowMatchEulerDiscreteScheduler",
    "_diffusers_version": "0.36.0.dev0",
    "num_train_timesteps": 1000,
    "use_dynamic_shifting": False,
    "shift": 3.0,
}
PARTS = [
    (TransformerConfig, PUBLISHED_TRANSFORMER),
    (VaeConfig, PUBLISHED_VAE),
    (SchedulerConfig, PUBLISHED_SCHEDULER),
]


@pytest.mark.parametrize(("kind", "published"), PARTS)
def test_the_defaults_are_those_of_turbo(kind, published, tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(published), "utf-8")
    assert kind.from_file(path) == kind.from_dict(published) == kind() == kind.from_dict({})


@pytest.mark.parametrize(("kind", "published"), PARTS)
def test_configuration_round_trip(kind, published):
    settings = kind.from_dict(published)
    assert kind.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        (TransformerConfig, "transformer/config.json"),
        (VaeConfig, "vae/config.json"),
        (SchedulerConfig, "scheduler/scheduler_config.json"),
    ],
)
def test_the_embedded_model_is_understood(kind, file, request):
    path = request.config.rootpath / "Z-Image/ckpts/zimage-nano" / file
    given = json.loads(path.read_text("utf-8"))
    written = json.loads(json.dumps(kind.from_file(path).to_dict()))
    assert written == {name: value for name, value in given.items() if not name.startswith("_")}


def test_an_unknown_key_is_named_beside_the_allowed_ones():
    with pytest.raises(ConfigError, match=r"'shfit', 'step'.*allowed are.*'shift'"):
        SchedulerConfig.from_dict({"shfit": 3.0, "step": 1, "shift": 3.0})


@pytest.mark.parametrize(
    ("kind", "values", "told"),
    [
        (TransformerConfig, {"dim": "3840"}, "dim .* '3840'"),
        (TransformerConfig, {"dim": True}, "dim .* True"),
        (TransformerConfig, {"dim": 3840.0}, r"dim .* 3840\.0"),
        (TransformerConfig, {"axes_dims": 32}, "axes_dims must be of type list of int, got 32"),
        (TransformerConfig, {"axes_dims": [32, 48, "48"]}, r"axes_dims\[2\] .* '48'"),
        (TransformerConfig, {"axes_dims": [32, 48, 32]}, "head width 128"),
        (TransformerConfig, {"axes_dims": [31, 49, 48]}, "even"),
        (TransformerConfig, {"axes_lens": [1536, 512]}, "three axes"),
        (TransformerConfig, {"axes_lens": [0, 512, 512]}, "positive"),
        (TransformerConfig, {"n_heads": 28, "n_kv_heads": 28}, "3840 must be a multiple of n_heads 28"),
        (TransformerConfig, {"n_kv_heads": 10}, "n_heads 30, got 10"),
        (TransformerConfig, {"n_layers": -1}, "-1"),
        (TransformerConfig, {"rope_theta": float("nan")}, "nan"),
        (TransformerConfig, {"all_patch_size": []}, "pair up"),
        (TransformerConfig, {"in_channels": 0}, "positive"),
        (VaeConfig, {"act_fn": "relu"}, "relu"),
        (VaeConfig, {"block_out_channels": [128, 256, 512, 500]}, "32"),
        (VaeConfig, {"block_out_channels": []}, "block_out_channels"),
        (VaeConfig, {"down_block_types": ["AttnDownEncoderBlock2D"] * 4}, "AttnDownEncoderBlock2D"),
        (VaeConfig, {"scaling_factor": 0}, "0"),
        (VaeConfig, {"latents_mean": [0.5]}, "null"),
        (SchedulerConfig, {"shift": 0}, "shift must be positive"),
        (SchedulerConfig, {"shift": None}, "None"),
        (SchedulerConfig, {"num_train_timesteps": 0}, "0"),
        (SchedulerConfig, {"time_shift_type": "cubic"}, "cubic"),
        (SchedulerConfig, {"base_image_seq_len": 4096}, "4096"),
        (InferenceSettings, {"height": 1000}, "height .* 1000"),
        (InferenceSettings, {"width": 8208}, "8208"),
        (InferenceSettings, {"num_inference_steps": 0}, "0"),
        (InferenceSettings, {"guidance_scale": -1}, "-1"),
        (InferenceSettings, {"max_sequence_length": 513}, "513"),
    ],
)
def test_an_impossible_value_is_told(kind, values, told):
    with pytest.raises(ConfigError, match=told):
        kind.from_dict(values)


def test_integer_is_read_as_a_float_setting():
    shift = SchedulerConfig.from_dict({"shift": 6}).shift
    assert (shift, type(shift)) == (6.0, float)


@pytest.mark.parametrize(
    ("kind", "values", "told"),
    [
        (SchedulerConfig, {"num_train_timesteps": 1000}, "'shift'"),
        (VaeConfig, {"latent_channels": 16}, "'scaling_factor', 'shift_factor'"),
    ],
)
def test_a_file_must_say_what_changes_the_picture_in_silence(kind, values, told, tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(values), "utf-8")
    with pytest.raises(ConfigError, match=told):
        kind.from_file(path)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff", b'{"dim": NaN}', b'{"n_layer": 1}', b"[" * 100_000])
def test_a_damaged_file_is_named(content, tmp_path):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"config\.json"):
        TransformerConfig.from_file(path)
    with pytest.raises(ConfigError, match=r"absent\.json"):
        TransformerConfig.from_file(tmp_path / "absent.json")


def test_settings_cannot_be_changed_afterwards():
    with pytest.raises(AttributeError):
        TransformerConfig().dim = 1


def test_head_width_and_size_multiple_follow_from_the_shapes():
    assert TransformerConfig().head_dim == 128
    assert VaeConfig().size_multiple == 8
