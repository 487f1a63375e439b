"""The whole training, from the decoded material to the model card's table, with tiny models and one step a stage."""

import json
import shutil
from dataclasses import asdict
from functools import partial

import numpy as np
import pytest
from training.loop.checkpoints import load_checkpoint
from training.nano import evaluate, export, judge, phrasings, renders, train
from training.nano.adopt import read_adopted
from training.nano.autoencoder import training as vae
from training.nano.dataset import latents
from training.nano.dataset.material import Item
from training.nano.dataset.scenes import palette_tensor
from training.nano.layout import TextSizes, TransformerSizes, VaeSizes
from training.nano.text import codes, drafting, published, tuning
from training.nano.text import training as text_training
from training.nano.transformer import training as transformer_training
from zimage.pipeline import ZImagePipeline

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

NAMES = (
    ("fox", "狐狸"), ("cat", "猫"), ("apple", "苹果"), ("train", "火车"),
    ("robot", "机器人"), ("castle", "城堡"), ("thinking face", "思考"), ("pizza", "披萨"),
)  # fmt: skip
FOX = {"prompt": "a nice fox, thanks", "things": ["fox"]}
ASKED = {
    "english": [FOX] * 2,
    "chinese": [{"prompt": "可爱的狐狸", "things": ["fox"]}] * 2,
    "colours": [{**FOX, "colour": "blue"}],
    "counts": [{**FOX, "count": 1}],
    "pairs": [{"prompt": "a fox and a cat", "things": [["fox"], ["cat"]]}],
    "nonsense": [{"prompt": "asdf"}],
    "backgrounds": [{**FOX, "background": "red"}],
}
STAGE_FILES = (
    "vae.safetensors", "latents.safetensors", "decoder.safetensors", "text.safetensors", "drafts.safetensors",
    "encoder.safetensors", "transformer.safetensors", "judge.safetensors",
)  # fmt: skip


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """Models of a few channels, and as little of everything as the stages accept."""
    text = partial(TextSizes, hidden=64, intermediate=32, heads=1)
    monkeypatch.setattr(vae, "VaeSizes", partial(VaeSizes, channels=(4,) * 5, norm_groups=2))
    monkeypatch.setattr(transformer_training, "TransformerSizes", partial(TransformerSizes, dim=64, layers=1))
    for module in (text_training, transformer_training, published):
        monkeypatch.setattr(module, "TextSizes", text)
    for module in (codes, text_training):
        monkeypatch.setattr(module, "CODE", 4)
    for module, values in {
        vae: {"PHASES": (vae.VaePhase(1.0, 64, 1),)},
        text_training: {"CORPUS_CAPTIONS": 50, "VOCABULARY": 400, "TOKENS_A_BATCH": 200, "POOL": 40},
        drafting: {"CAPTIONS": 8, "TEST_CAPTIONS": 4, "READ_CAPTIONS": 20, "CELLS_A_STEP": 16, "SCENES_A_STEP": 4},
        published: {"PLAIN_SCENES": 20},
        tuning: {"TEST_CAPTIONS": 4},
        judge: {"WIDTHS": (8,) * 4, "BATCH": 2},
        export: {"SHEET_SIDE": 2},
    }.items():
        for name, value in values.items():
            monkeypatch.setattr(module, name, value)
    few = partial(judge.held_out_accuracy, number=128)
    monkeypatch.setattr(evaluate, "held_out_accuracy", few)
    monkeypatch.setattr(judge, "held_out_accuracy", lambda work, _number: few(work))
    for module in (latents, renders):  # hues have tests of their own
        monkeypatch.setattr(module, "recolour", lambda picture, _colour: picture)
    for module in (export, phrasings):
        monkeypatch.setattr(module, "PHRASINGS", tmp_path / "phrasings.json")
    (tmp_path / "phrasings.json").write_text(json.dumps(ASKED), "utf-8")
    psnr = evaluate.measure_psnr
    monkeypatch.setattr(evaluate, "measure_psnr", lambda vae, work, _number: psnr(vae, work, 4))


@pytest.fixture
def work(tmp_path):
    """The material as the first stage leaves it: a square of a colour of its own for each thing."""
    folder = tmp_path / "work"
    folder.mkdir()
    items = [Item(f"{index:x}", 3, en, zh, ("thing",), ("东西",)) for index, (en, zh) in enumerate(NAMES)]
    (folder / "items.json").write_text(json.dumps([asdict(item) for item in items]), "utf-8")
    words = {"english": ["cinematic", "forest", "apples"], "chinese": ["高清", "森林", "苹果树"]}
    (folder / "words.json").write_text(json.dumps(words), "utf-8")
    pictures = np.zeros((len(items), 256, 256, 4), np.uint8)
    pictures[:, 64:192, 64:192, 3] = 255
    pictures[:, 64:192, 64:192, :3] = (palette_tensor()[: len(items), None, None] * 255).byte().numpy()
    np.save(folder / "items.npy", pictures)
    return folder


@pytest.mark.slow
def test_from_the_material_to_a_measured_model(tiny, work, tmp_path, capsys, monkeypatch):
    folder = tmp_path / "model"
    command = ["all", "--minutes", "1e-9", "--workers", "1", "--work", str(work), "--folder", str(folder)]
    train.main([*command, "--cache", str(tmp_path / "material")])

    assert [name for name in STAGE_FILES if not (work / name).exists()] == []
    pipeline = ZImagePipeline.from_local_dir(folder, device="cpu")
    assert pipeline("fox", height=64, width=64, num_inference_steps=2).images[0].size == (64, 64)
    assert {"LICENSE-emojibase", "LICENSE-fluent-emoji", "contact-sheet.webp", "zimage.json"} <= {
        path.name for path in folder.iterdir()
    }

    (work / "encoder.safetensors").unlink()  # as a kill between the two files of the drafts' stage leaves it
    train.main(["drafts", *command[1:]])
    assert load_checkpoint(work / "encoder.safetensors")["step"] == load_checkpoint(work / "drafts.safetensors")["step"]

    first = shutil.copytree(folder, tmp_path / "first")
    tuned = tmp_path / "tuned"
    tuned.mkdir()
    for name in ("items.json", "items.npy", "words.json", "latents.safetensors"):
        (tuned / name).hardlink_to(work / name)
    again = [*command[1:5], "--work", str(tuned), "--cache", str(tmp_path / "material")]
    monkeypatch.setattr(text_training, "VOCABULARY", 420)
    for stage in ("adopt", "text-encoder", "transformer", "export"):
        train.main([stage, *again, "--folder", str(folder)])
    assert ZImagePipeline.from_local_dir(folder, device="cpu")("fox", height=64, width=64, num_inference_steps=2).images
    with pytest.raises(ValueError, match="drafts already"):
        train.main(["drafts", *again, "--folder", str(folder)])

    further = tmp_path / "further"
    further.mkdir()
    for name in ("items.json", "items.npy", "words.json", "latents.safetensors"):
        (further / name).hardlink_to(work / name)
    on = [*command[1:5], "--work", str(further), "--folder", str(folder), "--teacher", str(first)]
    for stage in ("adopt", "text-encoder"):
        train.main([stage, *on])
    assert len(read_adopted(further)["teacher"]["tokens"]) < len(read_adopted(further)["tokens"])

    capsys.readouterr()
    measure = ["--work", str(work), "--folder", str(folder), "--limit", "1", "--limit-sizes", "1"]
    evaluate.main(measure)
    told = capsys.readouterr().out
    assert "| English label as prompt, one thing: top-1 / top-5 |" in told
    assert "| colours of things" in told
    assert "| 384×256 |" in told
