"""Checkpoints of a few values, written by the safetensors library itself."""

import json

import pytest
from safetensors.torch import save_file


@pytest.fixture
def save_shards():
    """Writes a folder as published: shards and the index that joins them."""

    def save(folder, *shards, stem="diffusion_pytorch_model"):
        folder.mkdir(parents=True, exist_ok=True)
        weight_map = {}
        for number, tensors in enumerate(shards, 1):
            name = f"{stem}-{number:05}-of-{len(shards):05}.safetensors"
            save_file(tensors, folder / name)
            weight_map |= dict.fromkeys(tensors, name)
        index = {"metadata": {"total_size": 0}, "weight_map": weight_map}
        (folder / f"{stem}.safetensors.index.json").write_text(json.dumps(index), "utf-8")
        return folder

    return save
