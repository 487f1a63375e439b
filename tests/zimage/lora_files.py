"""Writers of LoRA files in the dialects of their trainers, from the formulas in float64, and what they change.

They share no code with the readers. Changes are by published names of parameters, to be added to the weights.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

Weights = Mapping[str, Tensor]
RANK, SIZE = 3, 0.35
"""Rank of factors, and how large a change is beside the weights."""


@dataclass
class Written:
    """Tensors of a file by key, what they add to the parameters of the transformer, and to outputs without a bias."""

    tensors: dict[str, np.ndarray] = field(default_factory=dict)
    changes: dict[str, np.ndarray] = field(default_factory=dict)
    outputs: dict[str, np.ndarray] = field(default_factory=dict)

    def add(self, module: str, change: np.ndarray, parameter: str = "weight") -> None:
        self.changes[f"{module}.{parameter}"] = change


def save(path: Path, written: Written | dict[str, np.ndarray], metadata: dict[str, str] | None = None) -> Path:
    tensors = written.tensors if isinstance(written, Written) else written
    values = {key: torch.from_numpy(np.ascontiguousarray(value)).float() for key, value in tensors.items()}
    save_file(values, path, metadata)
    return path


def patched(weights: Weights, changes: Mapping[str, np.ndarray], strength: float = 1.0) -> dict[str, Tensor]:
    """Returns weights with changes added, summed in float64."""
    added = {name: weights[name].double() + strength * torch.from_numpy(change) for name, change in changes.items()}
    return {**weights, **{name: value.reshape(weights[name].shape).float() for name, value in added.items()}}


def noise(name: str, *shape: int) -> np.ndarray:
    return np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)


def factors(module: str, weights: Weights, rank: int = RANK) -> tuple[np.ndarray, np.ndarray]:
    """Returns A (r, in) and B (out, r) of a module, the same in every dialect."""
    rows, columns = weights[f"{module}.weight"].shape
    scale = np.sqrt(SIZE / columns**0.5 / rank**0.5)
    return noise(f"{module} A", rank, columns) * scale, noise(f"{module} B", rows, rank) * scale


def linear_layers(weights: Weights) -> list[str]:
    """Returns all linear layers of the transformer."""
    return [name.removesuffix(".weight") for name, value in weights.items() if value.ndim == 2 and "pad" not in name]


def in_layers(weights: Weights, *, modulation: bool = False) -> list[str]:
    """Returns those that most trainers train."""
    return [
        name for name in linear_layers(weights) if name.startswith("layers.") and (modulation or "adaLN" not in name)
    ]


def plain(
    modules: list[str],
    weights: Weights,
    name: Callable[[str], str],
    down: str = "lora_A.weight",
    up: str = "lora_B.weight",
    alpha: float | None = None,
) -> Written:
    """LoRA: ΔW = alpha / r · B · A; without an alpha it is r."""
    written = Written()
    for module in modules:
        a, b = factors(module, weights)
        scale = 1.0 if alpha is None else alpha / RANK
        written.tensors |= {f"{name(module)}.{down}": a, f"{name(module)}.{up}": b / scale}
        if alpha is not None:
            written.tensors[f"{name(module)}.alpha"] = np.array(alpha)
        written.add(module, b @ a)
    return written


def attentions(weights: Weights) -> list[str]:
    return sorted({name.split(".to_q")[0] for name in linear_layers(weights) if ".to_q" in name})


def packed_diagonal(weights: Weights, alpha: float = 2.0) -> Written:
    """musubi's converter: ranks of q, k and v side by side, B in blocks along the diagonal, alpha three times."""
    written = Written()
    for attention in attentions(weights):
        own = Written()
        pairs = [factors(f"{attention}.to_{part}", weights) for part in "qkv"]
        rows = len(pairs[0][1])
        b = np.zeros((3 * rows, 3 * RANK))
        for index, part in enumerate("qkv"):
            b[index * rows : (index + 1) * rows, index * RANK : (index + 1) * RANK] = pairs[index][1] * RANK / alpha
            own.add(f"{attention}.to_{part}", pairs[index][1] @ pairs[index][0])
        key = f"lora_unet_{attention.replace('.', '_')}"
        a, up = factors(f"{attention}.to_out.0", weights)
        own.tensors = {
            f"{key}_qkv.lora_down.weight": np.concatenate([pair[0] for pair in pairs]),
            f"{key}_qkv.lora_up.weight": b,
            f"{key}_qkv.alpha": np.array(3 * alpha),
            f"{key}_out.lora_down.weight": a,
            f"{key}_out.lora_up.weight": up,
            f"{key}_q_norm.w_norm": noise(f"{attention} norm", weights[f"{attention}.norm_q.weight"].shape[0]) / 5,
        }
        own.add(f"{attention}.to_out.0", up @ a)
        own.add(f"{attention}.norm_q", own.tensors[f"{key}_q_norm.w_norm"])
        written.tensors |= own.tensors
        written.changes |= own.changes
    return written


def packed_shared(weights: Weights, prefix: str = "diffusion_model.") -> Written:
    """Trained in ComfyUI's layout: one A for q, k and v; embedder and final layer by their names there."""
    written = Written()
    for attention in attentions(weights):
        rows = len(weights[f"{attention}.to_q.weight"])
        a, _ = factors(f"{attention}.to_q", weights)
        b = noise(f"{attention} packed", 3 * rows, RANK) * np.abs(a).mean()
        written.tensors |= {f"{prefix}{attention}.qkv.lora_A.weight": a, f"{prefix}{attention}.qkv.lora_B.weight": b}
        for index, part in enumerate("qkv"):
            written.add(f"{attention}.to_{part}", (b @ a)[index * rows : (index + 1) * rows])
    others = {"all_x_embedder.2-1": "x_embedder", "all_final_layer.2-1.linear": "final_layer.linear"}
    others |= {f"{attention}.to_out.0": f"{attention}.out" for attention in attentions(weights)}
    for module, name in others.items():
        a, b = factors(module, weights)
        written.tensors |= {f"{prefix}{name}.lora_A.weight": a, f"{prefix}{name}.lora_B.weight": b}
        written.add(module, b @ a)
    return written


def anime_z(weights: Weights) -> Written:
    """Names with dots, and what q, k, v and to_out.0 say a second time as qkv and out."""
    modules = in_layers(weights)
    written = plain(modules, weights, lambda module: module, "lora.down.weight", "lora.up.weight", alpha=1.5)
    renamed: dict[str, np.ndarray] = {}
    for key, value in written.tensors.items():
        renamed[key if key.endswith("alpha") else key.replace(".to_q", ".to.q")] = value
    for attention in [name for name in attentions(weights) if name.startswith("layers.")]:
        for name in ("qkv", "out"):
            rows = (3 if name == "qkv" else 1) * len(weights[f"{attention}.to_q.weight"])
            a, _ = factors(f"{attention}.to_q", weights)
            renamed |= {
                f"{attention}.{name}.lora.down.weight": a,
                f"{attention}.{name}.lora.up.weight": noise("a second time", rows, RANK),
            }
        renamed[f"{attention}.qkv.alpha"] = np.array(1.5)
    written.tensors = renamed
    return written


def split(length: int) -> tuple[int, int]:
    """Returns two factors of a length that are as equal as may be, the smaller one first."""
    small = max(divisor for divisor in range(1, int(length**0.5) + 1) if length % divisor == 0)
    return small, length // small


def kronecker(
    modules: Mapping[str, list[str]],
    weights: Weights,
    name: Callable[[str], str],
    decomposed: bool,
    alpha: float,
    rows: tuple[int, int] | None = None,
) -> Written:
    """LoKr: w1 ⊗ w2, times alpha / r where w2 is a product. Modules by name, each with those that it packs."""
    written = Written()
    for key, parts in modules.items():
        shape = weights[f"{parts[0]}.weight"].shape
        (o1, o2), (i1, i2) = rows or split(shape[0] * len(parts)), split(shape[1])
        w1 = noise(f"{key} w1", o1, i1)
        own = {"lokr_w1": w1}
        if decomposed:
            w2_a, w2_b = noise(f"{key} w2a", o2, RANK), noise(f"{key} w2b", RANK, i2)
            size = SIZE / np.std(np.kron(w1, w2_a @ w2_b)) / shape[1] ** 0.5
            own |= {"lokr_w2_a": w2_a * size * RANK / alpha, "lokr_w2_b": w2_b}
            change = np.kron(w1, w2_a @ w2_b) * size
        else:
            own["lokr_w2"] = noise(f"{key} w2", o2, i2) * SIZE / shape[1] ** 0.5
            change = np.kron(w1, own["lokr_w2"])
        written.tensors |= {f"{name(key)}.{part}": value for part, value in own.items()}
        written.tensors[f"{name(key)}.alpha"] = np.array(alpha)
        for index, part in enumerate(parts):
            written.add(part, change[index * shape[0] : (index + 1) * shape[0]])
    return written


def hadamard(modules: Mapping[str, list[str]], weights: Weights, name: Callable[[str], str]) -> Written:
    """LoHa: (w1a · w1b) ∘ (w2a · w2b) · alpha / r."""
    written, alpha = Written(), 1.5
    for key, parts in modules.items():
        shape = weights[f"{parts[0]}.weight"].shape
        rows = shape[0] * len(parts)
        own = {
            "hada_w1_a": noise(f"{key} 1a", rows, RANK) * SIZE / shape[1] ** 0.5,
            "hada_w1_b": noise(f"{key} 1b", RANK, shape[1]),
            "hada_w2_a": noise(f"{key} 2a", rows, RANK),
            "hada_w2_b": noise(f"{key} 2b", RANK, shape[1]),
        }
        first, second = (own[f"hada_w{n}_a"] @ own[f"hada_w{n}_b"] for n in (1, 2))
        change = first * second * alpha / RANK
        written.tensors |= {f"{name(key)}.{part}": value for part, value in own.items()}
        written.tensors[f"{name(key)}.alpha"] = np.array(alpha)
        for index, part in enumerate(parts):
            written.add(part, change[index * shape[0] : (index + 1) * shape[0]])
    return written


def with_biases(weights: Weights) -> Written:
    """PEFT with `lora_bias`: a bias of B, which is scaled as B is."""
    alpha = 1.5
    written = plain(in_layers(weights), weights, _dotted("transformer."), "lora_A.weight", "lora_B.weight", alpha)
    for module in in_layers(weights, modulation=True):
        if module in [name.removesuffix(".weight") for name in written.changes]:
            bias = noise(f"{module} lora bias", len(weights[f"{module}.weight"])) / 10
            written.tensors[f"transformer.{module}.lora_B.bias"] = bias * RANK / alpha
            written.outputs[module] = bias
    return written


def weighted(written: Written, weights: Weights, key: Callable[[str], str], shape: str = "column") -> Written:
    """DoRA: m · (W + ΔW) / ‖W + ΔW‖ − W, by row; `shape` of m is `column` (out, 1), `flat` (out,) or `row` (1, in)."""
    tensors, changes = dict(written.tensors), {}
    for name, change in written.changes.items():
        base = weights[name].double().numpy()
        changed = base + change
        norms = np.linalg.norm(changed, axis=0 if shape == "row" else 1, keepdims=True)
        magnitude = norms * (1 + noise(f"{name} m", *norms.shape) / 5)
        tensors[key(name.removesuffix(".weight"))] = magnitude.reshape(-1) if shape == "flat" else magnitude
        changes[name] = magnitude * changed / norms - base
    return Written(tensors, changes)


def joined_magnitudes(written: Written, weights: Weights) -> Written:
    """DoRA of what packs q, k and v: their magnitudes one below the other."""
    parts = (".to_q.", ".to_k.", ".to_v.")
    own = {name: change for name, change in written.changes.items() if any(part in name for part in parts)}
    single = weighted(Written({}, own), weights, lambda module: module)
    tensors = dict(written.tensors)
    for attention in attentions(weights):
        magnitudes = [single.tensors[f"{attention}.to_{part}"] for part in "qkv"]
        tensors[f"diffusion_model.{attention}.qkv.dora_scale"] = np.concatenate(magnitudes)
    return Written(tensors, {**written.changes, **single.changes})


def whole(weights: Weights, prefix: str = "diffusion_model.") -> Written:
    """Differences as they are: of matrices, biases, norms and tokens."""
    written = Written()
    for name in ("layers.0.attention.to_q", "layers.0.feed_forward.w2", "layers.0.adaLN_modulation.0"):
        change = noise(name, *weights[f"{name}.weight"].shape) * SIZE / weights[f"{name}.weight"].shape[1] ** 0.5
        written.tensors[f"{prefix}{name}.diff"] = change
        written.add(name, change)
    for name in ("layers.0.adaLN_modulation.0", "cap_embedder.1", "all_x_embedder.2-1"):
        change = noise(f"{name} bias", len(weights[f"{name}.bias"])) / 5
        written.tensors[f"{prefix}{name}.diff_b"] = change
        written.add(name, change, "bias")
    for name in (
        "layers.0.attention_norm1",
        "layers.0.attention.norm_k",
        "context_refiner.0.ffn_norm2",
        "cap_embedder.0",
    ):
        change = noise(name, len(weights[f"{name}.weight"])) / 5
        written.tensors[f"{prefix}{name}.diff"] = change
        written.add(name, change)
    change = noise("pad", *weights["cap_pad_token"].shape) / 5
    written.tensors[f"{prefix}cap_pad_token.diff"] = change
    written.changes["cap_pad_token"] = change
    return written


def _flat(prefix: str) -> Callable[[str], str]:
    return lambda module: prefix + module.replace(".", "_")


def _dotted(prefix: str) -> Callable[[str], str]:
    return lambda module: prefix + module


def _alone(modules: list[str]) -> dict[str, list[str]]:
    return {module: [module] for module in modules}


def _qkv(weights: Weights) -> dict[str, list[str]]:
    return {
        f"{attention}.qkv": [f"{attention}.to_{part}" for part in "qkv"]
        for attention in attentions(weights)
        if attention.startswith("layers.")
    }


KOHYA = ("lora_down.weight", "lora_up.weight")
DIALECTS: dict[str, Callable[[Weights], Written]] = {
    "PEFT": lambda w: plain(linear_layers(w), w, _dotted("transformer.")),
    "ai-toolkit": lambda w: plain(in_layers(w, modulation=True), w, _dotted("diffusion_model.")),
    "ai-toolkit LoKr": lambda w: kronecker(
        _alone(in_layers(w)), w, _dotted("diffusion_model."), decomposed=False, alpha=1e10
    ),
    "ai-toolkit LoKr, decomposed": lambda w: kronecker(
        _alone(in_layers(w)), w, _dotted("diffusion_model."), decomposed=True, alpha=2.0
    ),
    "kohya": lambda w: plain(in_layers(w), w, _flat("lora_unet_"), *KOHYA, alpha=1.5),
    "kohya, all layers": lambda w: plain(linear_layers(w), w, _flat("lora_unet_"), *KOHYA, alpha=1.5),
    "musubi for ComfyUI": packed_diagonal,
    "OneTrainer": lambda w: plain(in_layers(w), w, _dotted("transformer."), *KOHYA, alpha=1.0),
    "OneTrainer, older": lambda w: plain(in_layers(w), w, _flat("lora_transformer_"), *KOHYA, alpha=1.0),
    "OneTrainer DoRA": lambda w: weighted(
        plain(in_layers(w), w, _dotted("transformer."), *KOHYA, alpha=1.0), w, lambda m: f"transformer.{m}.dora_scale"
    ),
    "DiffSynth": lambda w: plain(in_layers(w), w, _dotted(""), "lora_A.default.weight", "lora_B.default.weight"),
    "ComfyUI": packed_shared,
    "ComfyUI, whole model": lambda w: packed_shared(w, "model.diffusion_model."),
    "Anime-Z": anime_z,
    "LyCORIS LoKr": lambda w: kronecker(_alone(in_layers(w)), w, _flat("lycoris_"), decomposed=True, alpha=1.5),
    "LyCORIS LoHa": lambda w: hadamard(_alone(in_layers(w, modulation=True)), w, _flat("lycoris_")),
    "LoHa of qkv": lambda w: hadamard(_qkv(w), w, _flat("lora_unet_")),
    "LoKr of qkv, across its thirds": lambda w: kronecker(
        _qkv(w), w, _dotted("diffusion_model."), decomposed=True, alpha=1.0,
        rows=(8, 3 * len(w["layers.0.attention.to_q.weight"]) // 8),
    ),
    "LoKr of qkv": lambda w: kronecker(_qkv(w), w, _dotted("diffusion_model."), decomposed=False, alpha=1.0),
    "PEFT save": lambda w: plain(in_layers(w), w, _dotted("base_model.model.")),
    "PEFT save of a pipeline": lambda w: plain(in_layers(w), w, _dotted("base_model.model.transformer.")),
    "two prefixes": lambda w: plain(in_layers(w), w, _dotted("transformer.diffusion_model.")),
    "pipe.dit": lambda w: plain(in_layers(w), w, _dotted("pipe.dit.")),
    "bare": lambda w: plain(in_layers(w), w, _dotted("")),
    "PEFT DoRA": lambda w: weighted(
        plain(linear_layers(w), w, _dotted("base_model.model.")),
        w, lambda m: f"base_model.model.{m}.lora_magnitude_vector.weight", "flat",
    ),
    "DoRA by column": lambda w: weighted(
        plain(in_layers(w), w, _flat("lora_unet_"), *KOHYA, alpha=1.0), w,
        lambda m: f"lora_unet_{m.replace('.', '_')}.dora_scale", "row",
    ),
    "DoRA of LoHa": lambda w: weighted(
        hadamard(_alone(in_layers(w)), w, _flat("lycoris_")), w, lambda m: f"lycoris_{m.replace('.', '_')}.dora_scale"
    ),
    "DoRA of qkv": lambda w: joined_magnitudes(packed_shared(w), w),
    "old diffusers": lambda w: plain(
        in_layers(w), w, _dotted("transformer."), "lora_linear_layer.down.weight", "lora_linear_layer.up.weight"
    ),
    "differences": whole,
}  # fmt: skip
