import pytest
from PIL import Image
from training.lora.errors import TrainingError
from training.lora.material.dataset import Wording, find_examples, read_picture


@pytest.mark.parametrize(
    ("wording", "captions"),
    [
        (Wording(), None),
        (Wording(caption="a square"), ["a red  square".replace("  ", " "), "a square"]),
        (Wording(trigger="sks"), ["sks, a red square", "sks"]),
        (Wording("in sks style", "sks"), ["sks, a red square", "in sks style"]),
    ],
)
def test_captions_are_the_text_files_or_what_is_said_of_all(tmp_path, wording, captions):
    for name in ("a.png", "b.WEBP"):
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    (tmp_path / "a.txt").write_text("\ufeffa red\n square\n", "utf-8")
    (tmp_path / "notes.md").write_text("not a picture")

    if captions is None:
        with pytest.raises(TrainingError, match=r"1 of 2 pictures have no caption: b\.WEBP"):
            find_examples(tmp_path, wording)
    else:
        assert [example.caption for example in find_examples(tmp_path, wording)] == captions


def test_an_empty_folder_and_none_are_told_apart(tmp_path):
    with pytest.raises(TrainingError, match=r"has no pictures: \.png, \.jpg"):
        find_examples(tmp_path, Wording("x"))
    with pytest.raises(TrainingError, match="is no folder"):
        find_examples(tmp_path / "none", Wording("x"))


def test_a_text_that_is_none_is_named(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(TrainingError, match=r"a\.txt cannot be read as text"):
        find_examples(tmp_path, Wording())


@pytest.mark.parametrize("damage", ["text", "cut"])
def test_a_picture_that_cannot_be_read_is_named(tmp_path, damage):
    path = tmp_path / "broken.png"
    Image.effect_noise((64, 64), 50).save(path)
    path.write_bytes(b"no picture" if damage == "text" else path.read_bytes()[:900])
    with pytest.raises(TrainingError, match=r"broken\.png cannot be read as a picture"):
        read_picture(path)


def test_a_picture_is_flattened(tmp_path):
    Image.new("RGBA", (2, 2), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert read_picture(tmp_path / "clear.png").getpixel((0, 0)) == (255, 255, 255)
