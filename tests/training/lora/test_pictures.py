import json
from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image
from training.lora import pictures
from training.lora.material.dataset import Wording, find_examples
from training.nano.dataset.material import Item


@pytest.fixture
def material(tmp_path):
    folder = tmp_path / "nano"
    folder.mkdir()
    names = (("fox", "狐狸"), ("cat", "猫"), ("thinking face", "思考"))
    items = [Item(f"{index:x}", 3, en, zh, (), ()) for index, (en, zh) in enumerate(names)]
    (folder / "items.json").write_text(json.dumps([asdict(item) for item in items]), "utf-8")
    (folder / "words.json").write_text("{}", "utf-8")
    things = np.zeros((len(items), 256, 256, 4), np.uint8)
    things[:, 64:192, 64:192] = 255
    np.save(folder / "items.npy", things)
    return folder


def test_pictures_have_captions_sizes_of_the_model_and_the_style(material, tmp_path):
    command = ["--work", str(material), "--number", "12", "--output"]
    for name in ("one", "again"):
        pictures.main([*command, str(tmp_path / name)])

    examples = find_examples(tmp_path / "one", Wording())
    assert len(examples) == 12
    for example in examples:
        with Image.open(example.path) as picture:
            assert picture.size in pictures.SIZES
            red, green, blue = picture.getpixel((1, 1))
        assert blue > 2 * red
        assert blue > green
        assert example.path.read_bytes() == (tmp_path / "again" / example.path.name).read_bytes()
    assert [example.caption for example in examples] == [
        example.caption for example in find_examples(tmp_path / "again", Wording())
    ]
