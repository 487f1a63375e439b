from dataclasses import replace

import pytest
from PIL import Image
from training.lora import sheet
from training.lora.sheet import Colours, as_markdown, join
from training.lora.training import train


def test_colours_are_means_of_all_pixels():
    half = Image.new("RGB", (10, 10), (0, 0, 200))
    half.paste((100, 50, 0), (0, 0, 10, 5))
    measured = Colours.of([half, half])
    assert (measured.red, measured.green, measured.blue, measured.blueness) == (50, 25, 100, 75)


def test_a_table_has_a_line_for_each_strength():
    rows = [[Image.new("RGB", (4, 4), colour) for colour in colours] for colours in (("red", "blue"), ("blue", "blue"))]
    lines = as_markdown((0.0, 1.0), rows).splitlines()
    assert lines[2:] == ["| 0 | 128 | 0 | 128 | 128 | 0 to 255 |", "| 1 | 0 | 0 | 255 | 255 | 255 to 255 |"]


def test_a_sheet_has_a_row_for_each_strength():
    rows = [[Image.new("RGB", (40, 40), "red")] * 3, [Image.new("RGB", (40, 40), "blue")] * 3]
    joined = join(rows, 8)
    assert joined.size == (24, 16)
    assert (joined.getpixel((23, 0)), joined.getpixel((23, 15))) == ((255, 0, 0), (0, 0, 255))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_strength_0_is_the_base_and_others_are_not(settings, tiny, tmp_path, capsys):
    lora = train(replace(settings, steps=5, lr=0.5))
    command = ["--model", str(tiny), "--lora", str(lora), "--side", "64", "--tile", "64", "--prompts", "a fox", "a cat"]
    sheet.main([*command, "--output", str(tmp_path / "a.webp"), "--strengths", "0", "1"])

    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| 0", "| 1"]
    with Image.open(tmp_path / "a.webp") as drawn:
        assert drawn.size == (128, 128)
        above, below = (drawn.crop((0, top, 128, top + 64)).tobytes() for top in (0, 64))
    assert above != below
