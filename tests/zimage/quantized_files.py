"""Writers of quantised matrices, from the formats' formulas in numpy and float64, and the values that they stand for.

They share no code with the readers. A written matrix is a set of tensors by their name below a layer, and the values
that a reader must find in them.
"""

import json
import struct
from dataclasses import dataclass, field

import numpy as np
import torch

E2M1 = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0]
HADAMARD = np.array([[1, 1, 1, -1], [1, 1, -1, 1], [1, -1, 1, 1], [-1, 1, 1, 1]], dtype=np.float64)


@dataclass
class Written:
    """Tensors of a layer by leaf name, the values in float64, and what a header may declare."""

    tensors: dict[str, torch.Tensor]
    values: np.ndarray
    declaration: dict = field(default_factory=dict)

    def marked(self):
        """The tensors with ComfyUI's declaration among them."""
        text = json.dumps(self.declaration).encode()
        return {**self.tensors, "comfy_quant": torch.tensor(list(text), dtype=torch.uint8)}


def as_float64(tensor):
    return tensor.to(torch.float64).numpy()


def fp8(matrix, dtype=torch.float8_e4m3fn, scales="tensor", block=0, old_names=False):
    """`scales`: none, tensor, row, column (rows, 1) or block."""
    name = {torch.float8_e4m3fn: "float8_e4m3fn", torch.float8_e5m2: "float8_e5m2"}[dtype]
    rows, columns = matrix.shape
    limit = torch.finfo(dtype).max
    magnitude = np.abs(matrix)
    if scales == "none":
        stored = torch.from_numpy(matrix).float().to(dtype)
        return Written({"weight": stored}, as_float64(stored))
    if scales == "tensor":
        scale = np.float32(magnitude.max() / limit)
        spread = np.full(matrix.shape, scale, dtype=np.float64)
    elif scales in ("row", "column"):
        scale = (magnitude.max(1) / limit).astype(np.float32)
        spread = np.repeat(scale.astype(np.float64)[:, None], columns, 1)
        scale = scale if scales == "row" else scale[:, None]
    else:
        blocks = magnitude.reshape(rows // block, block, columns // block, block).max((1, 3))
        scale = (blocks / limit).astype(np.float32)
        spread = np.kron(scale.astype(np.float64), np.ones((block, block)))
    stored = torch.from_numpy(matrix / spread).float().to(dtype)
    kind = {"tensor": "", "row": "_rowwise", "column": "_rowwise", "block": "_blockwise"}[scales]
    key = "scale_weight" if old_names else "weight_scale"
    tensors = {"weight": stored, key: torch.tensor(scale)}
    declaration = {"format": name + kind, "group_size": block} if block else {"format": name + kind}
    return Written(tensors, as_float64(stored) * spread, declaration)


def rotation(size):
    matrix = np.ones((1, 1))
    while len(matrix) < size:
        matrix = np.kron(matrix, HADAMARD)
    return matrix / np.sqrt(size)


def int8(matrix, scales="column", rotated=0):
    """Symmetric int8 with a scale for all or a row, of inputs that were rotated in groups."""
    columns = matrix.shape[1]
    turn = np.kron(np.eye(columns // rotated), rotation(rotated)) if rotated else np.eye(columns)
    turned = matrix @ turn
    largest = np.abs(turned).max() if scales == "tensor" else np.abs(turned).max(1, keepdims=True)
    scale = np.asarray(largest / 127, dtype=np.float32)
    stored = np.clip(np.round(turned / scale), -127, 127).astype(np.int8)
    declaration = {"format": "int8_tensorwise", "per_row": scales != "tensor"}
    if rotated:
        declaration |= {"convrot": True, "convrot_groupsize": rotated}
    values = stored.astype(np.float64) * scale.astype(np.float64) @ turn.T
    return Written({"weight": torch.from_numpy(stored), "weight_scale": torch.tensor(scale)}, values, declaration)


def tiled(scales):
    """Scales (rows, columns) padded to tiles of 128 × 4 and stored tile by tile, one value at a time."""
    rows, columns = (-(-scales.shape[0] // 128) * 128, -(-scales.shape[1] // 4) * 4)
    flat = np.zeros(rows * columns, dtype=scales.dtype)
    for (row, column), value in np.ndenumerate(scales):
        tile = row // 128 * (columns // 4) + column // 4
        flat[tile * 512 + row % 32 * 16 + row % 128 // 32 * 4 + column % 4] = value
    return flat.reshape(rows, columns)


def padded(matrix, multiple):
    return np.pad(matrix, [(0, -length % multiple) for length in matrix.shape])


def nvfp4(matrix, says_shape=True):
    full = padded(matrix, 16)
    rows, columns = full.shape
    blocks = full.reshape(rows, columns // 16, 16)
    scale_2 = np.float32(np.abs(full).max() / (6 * 448))
    exact = torch.from_numpy(np.abs(blocks).max(2) / 6 / scale_2).float().to(torch.float8_e4m3fn)
    scale = as_float64(exact) * np.float64(scale_2)
    divided = np.divide(blocks, scale[:, :, None], out=np.zeros_like(blocks), where=scale[:, :, None] > 0)
    codes = np.abs(np.abs(divided)[..., None] - np.array(E2M1)).argmin(-1)
    values = np.sign(divided) * np.array(E2M1)[codes] * scale[:, :, None]
    codes = (codes + 8 * (divided < 0)).reshape(rows, columns).astype(np.uint8)
    tensors = {
        "weight": torch.from_numpy(codes[:, 0::2] * 16 + codes[:, 1::2]),
        "weight_scale": torch.from_numpy(tiled(exact.view(torch.uint8).numpy())).view(torch.float8_e4m3fn),
        "weight_scale_2": torch.tensor(scale_2),
    }
    declaration = {"format": "nvfp4"} | ({"orig_shape": list(matrix.shape)} if says_shape else {})
    return Written(tensors, values.reshape(rows, columns)[: matrix.shape[0], : matrix.shape[1]], declaration)


def mxfp8(matrix, says_shape=True):
    full = padded(matrix, 32)
    rows, columns = full.shape
    blocks = full.reshape(rows, columns // 32, 32)
    exponents = np.ceil(np.log2(np.maximum(np.abs(blocks).max(2), 1e-30) / 448)).clip(-127, 127)
    scale = np.exp2(exponents)
    stored = torch.from_numpy(blocks / scale[:, :, None]).float().to(torch.float8_e4m3fn)
    values = (as_float64(stored) * scale[:, :, None]).reshape(rows, columns)
    tensors = {
        "weight": stored.reshape(rows, columns),
        "weight_scale": torch.from_numpy(tiled((exponents + 127).astype(np.uint8))),
    }
    declaration = {"format": "mxfp8"} | ({"orig_shape": list(matrix.shape)} if says_shape else {})
    return Written(tensors, values[: matrix.shape[0], : matrix.shape[1]], declaration)


SDNQ_SETTINGS = {  # as a published transformer has them
    "add_skip_keys": False, "dequantize_fp32": False, "dynamic_loss_threshold": 0.01, "group_size": 0,
    "is_integer": True, "is_training": False, "modules_dtype_dict": {}, "modules_quant_config": {},
    "modules_to_not_convert": ["all_x_embedder", "t_embedder", "lm_head"], "non_blocking": False, "quant_conv": False,
    "quant_method": "sdnq", "quantization_device": None, "quantized_matmul_dtype": None, "return_device": None,
    "sdnq_version": "0.1.3", "svd_rank": 32, "svd_steps": 8, "use_dynamic_quantization": False, "use_grad_ckpt": True,
    "use_quantized_matmul": True, "use_quantized_matmul_conv": False, "use_static_quantization": True,
    "use_stochastic_rounding": False, "use_svd": False,
}  # fmt: skip


def sdnq(matrix, dtype, group=0, rank=0, layout="flat", columns_of_scales=False, parts=torch.float32):
    """Codes · scale (+ zero point) + up · down; `layout` of the codes: flat, pairs, rows, groups or transposed."""

    def rounded(values):
        return torch.from_numpy(np.ascontiguousarray(values)).to(parts)

    rows, columns = matrix.shape
    size = group or columns
    tensors, added = {}, np.zeros_like(matrix)
    if rank:
        sketch = matrix @ np.random.default_rng(0).standard_normal((columns, rank))
        basis, _ = np.linalg.qr(sketch)  # spans nearly what the largest singular vectors do, and is found sooner
        tensors |= {"svd_up": rounded(basis), "svd_down": rounded(basis.T @ matrix)}
        added = as_float64(tensors["svd_up"]) @ as_float64(tensors["svd_down"])
    blocks = (matrix - added).reshape(rows, -1, size)
    bits = 8 if "8" in dtype else 4
    if dtype.startswith("u"):
        low, top = blocks.min(2, keepdims=True), 2**bits - 1
        tensors["zero_point"] = rounded(low)
        tensors["scale"] = rounded((blocks.max(2, keepdims=True) - low) / top)
        shift, limits = as_float64(tensors["zero_point"]), (0, top)
    else:
        top = 2 ** (bits - 1) - 1
        tensors["scale"] = rounded(np.abs(blocks).max(2, keepdims=True) / top)
        shift, limits = 0.0, (-top, top)
    scale = as_float64(tensors["scale"])
    codes = np.clip(np.round((blocks - shift) / scale), *limits).astype(int)
    values = (codes * scale + shift).reshape(rows, columns) + added
    if bits == 8:
        stored = codes.astype(np.uint8 if dtype.startswith("u") else np.int8)
        stored = {
            "flat": stored.reshape(rows, columns),
            "groups": stored,
            "transposed": stored.reshape(rows, columns).T,
        }[layout]
    else:
        raised = codes.reshape(-1) + (0 if dtype.startswith("u") else 8)
        stored = np.array([raised[i] + 16 * raised[i + 1] for i in range(0, len(raised), 2)], dtype=np.uint8)
        shapes = {"flat": (-1,), "pairs": (-1, 1), "rows": (rows, -1), "groups": (rows, columns // size, size // 2)}
        stored = stored.reshape(shapes[layout])
    tensors["weight"] = torch.from_numpy(np.ascontiguousarray(stored))
    for role in {"scale", "zero_point"} & tensors.keys():
        part = tensors[role]
        part = part.reshape(1, rows) if layout == "transposed" else part
        tensors[role] = part.reshape(rows, -1).contiguous() if columns_of_scales else part
    return Written(tensors, values, {**SDNQ_SETTINGS, "weights_dtype": dtype})


FORMATS = {
    "fp8": lambda matrix: fp8(matrix),
    "fp8 e5m2": lambda matrix: fp8(matrix, torch.float8_e5m2),
    "fp8 by row": lambda matrix: fp8(matrix, scales="row"),
    "fp8 by row, a column of scales": lambda matrix: fp8(matrix, scales="column"),
    "fp8 by block": lambda matrix: fp8(matrix, scales="block", block=16),
    "fp8, old names": lambda matrix: fp8(matrix, old_names=True),
    "int8": lambda matrix: int8(matrix, "tensor"),
    "int8 by row": int8,
    "int8 by row, rotated": lambda matrix: int8(matrix, rotated=16),
    "nvfp4": nvfp4,
    "mxfp8": mxfp8,
}

ARCHITECTURE = "general.architecture"


def gguf_string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def write_gguf(path, tensors, remarks=(), architecture="lumina2", version=3, alignment=32):
    """Writes `tensors`, (shape, type number, bytes) by name; `remarks` are (name, type number, packed value)."""
    notes = [(ARCHITECTURE, 8, gguf_string(architecture))] if architecture else []
    notes += [("general.alignment", 4, struct.pack("<I", alignment)), *remarks]
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(notes))
    head += b"".join(gguf_string(name) + struct.pack("<I", kind) + value for name, kind, value in notes)
    body = b""
    for name, (shape, kind, data) in tensors.items():
        body += b"\0" * (-len(body) % alignment)
        lengths = struct.pack(f"<{len(shape)}Q", *reversed(shape))
        head += gguf_string(name) + struct.pack("<I", len(shape)) + lengths + struct.pack("<IQ", kind, len(body))
        body += data
    head += b"\0" * (-len(head) % alignment)
    path.write_bytes(head + body)
    return path


BLOCKS = {  # of ggml, by number: values, bytes, and where which half-precision numbers lie
    2: (32, 18, {0: 3e-3}), 3: (32, 20, {0: 2e-3, 2: -1e-2}), 6: (32, 22, {0: 1e-3}), 7: (32, 24, {0: 1e-3, 2: -1e-2}),
    8: (32, 34, {0: 2e-4}), 10: (256, 84, {80: 1e-3, 82: 2e-3}), 11: (256, 110, {108: 2e-4}),
    12: (256, 144, {0: 1e-4, 2: 7e-4}), 13: (256, 176, {0: 5e-5, 2: 7e-4}), 14: (256, 210, {208: 2e-5}),
    20: (32, 18, {0: 2e-4}), 23: (256, 136, {0: 1e-5}),
}  # fmt: skip


def random_blocks(number, rows, columns, seed=0):
    """Random blocks of a type of ggml, (rows, bytes), whose values are finite and about as large as weights are."""
    values, size_bytes, halves = BLOCKS[number]
    blocks = np.random.default_rng(seed).integers(0, 256, (rows, columns // values, size_bytes), dtype=np.uint8)
    for at, value in halves.items():
        blocks[:, :, at : at + 2] = np.frombuffer(np.float16(value).tobytes(), dtype=np.uint8)
    return blocks.reshape(rows, -1)
