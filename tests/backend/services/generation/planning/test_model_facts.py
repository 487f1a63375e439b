from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file

from backend.services.errors import ModelBroken
from backend.services.generation.planning import model_facts
from backend.services.generation.planning.load_plan import Blocks
from backend.services.generation.planning.model_facts import FactsReader, read_facts
from backend.services.library.files import ModelFiles
from tests.backend.fakes import make_model_folder, write_safetensors
from tests.backend.services.library.weight_files import save_text_encoder, save_transformer, touch_again
from tests.zimage.quantized_files import write_gguf


def test_values_are_counted_from_headers_whatever_else_lies_there(tmp_path):
    path = make_model_folder(tmp_path / "m")
    for stray in ("._model.safetensors", "model.fp16.safetensors"):
        write_safetensors(path / "transformer" / stray, (100,))
    (path / "transformer" / "model.safetensors").rename(path / "transformer" / "first.safetensors")
    write_safetensors(path / "transformer" / "second.safetensors", (10,))
    index = {"weight_map": {"a": "first.safetensors", "b": "second.safetensors"}}
    (path / "transformer" / "model.safetensors.index.json").write_text(json.dumps(index))

    facts = read_facts(ModelFiles.of_folder(path))

    assert facts.parts == (16, 6, 6)


def test_a_model_of_the_family_tells_its_widths(tiny_model):
    facts = read_facts(ModelFiles.of_folder(tiny_model))
    config = json.loads((tiny_model / "transformer" / "config.json").read_text())
    assert (facts.width, facts.n_layers) == (config["dim"], config["n_layers"])
    assert (facts.grid_px, min(facts.parts) > 0, facts.stored_bytes > sum(facts.parts)) == (32, True, True)


def test_blocks_of_gguf_files_are_counted(tiny_model, tmp_path):
    gguf = pytest.importorskip("gguf")
    kind, entries, kept = gguf.GGMLQuantizationType.Q8_0, {}, []
    [file] = (tiny_model / "transformer").glob("*.safetensors")
    for name, values in load_file(file).items():
        matrix = values.float().numpy()
        if name.endswith((".to_q.weight", ".w1.weight", ".w3.weight")):
            kept.append(matrix.size)
            entries[name] = (matrix.shape, int(kind), gguf.quants.quantize(matrix, kind).tobytes())
        else:
            entries[name] = (matrix.shape, 0, matrix.tobytes())
    write_gguf(tmp_path / "transformer.gguf", entries)
    files = ModelFiles(
        "m",
        tmp_path / "transformer.gguf",
        tiny_model / "text_encoder",
        tiny_model / "vae",
        tokenizer=tiny_model / "tokenizer",
    )

    facts = read_facts(files)

    assert facts.blocks == (Blocks(sum(kept), sum(kept) * 34 // 32), Blocks())
    assert facts.stored == ("gguf" if 2 * sum(kept) > facts.transformer_values else None)
    assert facts.weights.part_bytes("float32", "gguf")[0] == sum(kept) * 34 // 32 + 4 * (
        facts.transformer_values - sum(kept)
    )


def test_blocks_of_a_text_encoder_are_those_of_layers_that_are_loaded(tiny_model, tmp_path):
    gguf = pytest.importorskip("gguf")
    kind, entries = gguf.GGMLQuantizationType.Q8_0, {}
    [file] = (tiny_model / "text_encoder").glob("*.safetensors")
    for name, values in load_file(file).items():
        matrix, is_matrix = values.float().numpy(), "proj" in name
        data = gguf.quants.quantize(matrix, kind) if is_matrix else matrix
        entries[name] = (matrix.shape, int(kind) if is_matrix else 0, data.tobytes())
    write_gguf(tmp_path / "text.gguf", entries)
    folder = ModelFiles.of_folder(tiny_model)
    files = ModelFiles("m", folder.transformer, tmp_path / "text.gguf", folder.vae, tokenizer=folder.tokenizer)

    facts = read_facts(files)

    values = facts.text_layers * facts.text_layer_values
    assert values > 0
    assert facts.blocks == (Blocks(), Blocks(values, values * 34 // 32))
    assert facts.weights.text_layer_bytes("float32", "gguf") == facts.text_layer_values * 34 // 32


def test_a_damaged_file_is_named_without_its_folder(tmp_path):
    path = make_model_folder(tmp_path / "m")
    (path / "vae" / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(ModelBroken, match="The weights of m are damaged") as caught:
        read_facts(ModelFiles.of_folder(path))
    assert str(tmp_path) not in str(caught.value)


def test_headers_are_read_once_until_a_file_changes(tmp_path, monkeypatch):
    path, reads = make_model_folder(tmp_path / "m"), []
    read = model_facts.read_facts
    monkeypatch.setattr(model_facts, "read_facts", lambda files: (reads.append(files), read(files))[1])
    reader, files = FactsReader(), ModelFiles.of_folder(path)
    assert reader.read(files) == reader.read(files)
    assert len(reads) == 1
    touch_again(path / "vae" / "model.safetensors")
    reader.read(files)
    assert len(reads) == 2


def test_files_that_are_gone_are_said(tmp_path):
    with pytest.raises(ModelBroken, match="cannot be read"):
        FactsReader().read(ModelFiles.of_folder(tmp_path / "gone"))


@pytest.mark.parametrize("as_files", [False, True], ids=["folder", "files"])
def test_blocks_and_layers_are_counted_with_their_matrices(tiny_model, tmp_path, as_files):
    from zimage import ZImagePipeline

    files = ModelFiles.of_folder(tiny_model)
    if as_files:
        fused = save_transformer(tiny_model, tmp_path / "own.safetensors", "model.diffusion_model.")
        text = save_text_encoder(tiny_model, tmp_path / "text.safetensors")
        files = ModelFiles("own", fused, text, tiny_model / "vae", tokenizer=tiny_model / "tokenizer")
    facts = read_facts(files)
    pipeline = ZImagePipeline.from_local_dir(tiny_model, device="cpu")
    blocks, layers = pipeline.transformer.blocks(), pipeline.text_encoder.model.layers

    def matrices(module):
        return sum(w.numel() for name, w in module.named_parameters() if w.ndim == 2 and "adaLN" not in name)

    assert (facts.n_blocks, facts.block_values) == (len(blocks), matrices(blocks[0]))
    assert facts.once_blocks == len(pipeline.transformer.context_refiner)
    assert (facts.text_layers, facts.text_layer_values) == (len(layers), matrices(layers[0]))
    assert facts.embedding_values == pipeline.text_encoder.model.embed_tokens.weight.numel()
    assert facts.latent_px == pipeline.vae.config.size_multiple
    assert facts.weights.is_native


def test_a_folder_whose_configurations_the_library_refuses_is_not_its_own(tiny_model, tmp_path):
    folder = Path(shutil.copytree(tiny_model, tmp_path / "foreign"))
    file = folder / "scheduler" / "scheduler_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "use_karras_sigmas": True}))
    assert not read_facts(ModelFiles.of_folder(folder)).is_native
