import torch
from training.nano.dataset.scenes import palette_tensor
from training.nano.evaluate import (
    Choice,
    Row,
    Size,
    as_markdown,
    hits_at,
    read_sizes,
    sizes_as_markdown,
    write_into_card,
)
from training.nano.judge import SIDE_PX, background_of, build_judge, crop_things, judge_logits


def test_background_is_read_from_the_corners():
    pictures = palette_tensor()[:, :, None, None].expand(-1, 3, 256, 256).clone()
    pictures[:, :, 60:200, 60:200] = 0.5
    assert background_of(pictures).tolist() == list(range(12))


def test_crops_are_where_the_things_are():
    picture = torch.zeros(1, 3, 256, 256)
    picture[:, :, 64:192, :128] = 1
    left, right = crop_things(picture)
    assert float(left.min()) == 1
    assert float(right.max()) == 0


def test_hits_at_k_count_the_item_among_the_k_best():
    logits = torch.tensor([[0.0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0]])
    items = torch.tensor([5, 4])
    assert hits_at(logits, items, 1) == 1
    assert hits_at(logits, items, 5) == 2


def test_the_judge_takes_every_square_size():
    judge = build_judge(7).requires_grad_(False)
    for side in (SIDE_PX, 2 * SIDE_PX, 4 * SIDE_PX):
        assert judge_logits(judge, torch.rand(2, 3, side, side)).shape == (2, 7)


def test_the_scene_stands_in_the_middle():
    pictures = torch.zeros(1, 3, 512, 768)
    pictures[:, :, :, 128:640] = 1
    pictures[:, :, 128:384, 256:512] = 2
    size = Size(768, 512)
    assert size.scene(pictures, 1).shape == (1, 3, 256, 256)
    assert float(size.scene(pictures, 1).min()) == 2
    assert size.scene(pictures, 2).shape == (1, 3, 512, 512)
    assert float(size.scene(pictures, 2).min()) == 1
    assert Size(256, 384).scene(torch.zeros(1, 3, 384, 256), 2).shape == (1, 3, 256, 256)
    assert str(size) == "768×512"


def test_a_choice_repeats_and_is_never_larger_than_all():
    assert Choice.draw(50, 8) == Choice.draw(50, 8)
    assert len(Choice.draw(50, 8).chosen) == 8
    assert len(Choice.draw(50, 8).pairs) == 4
    assert sorted(Choice.draw(5, 0).chosen) == sorted(Choice.draw(5, 9).chosen) == [0, 1, 2, 3, 4]


def test_sizes_are_those_of_the_folder(tmp_path):
    (tmp_path / "zimage.json").write_text('{"sizes": [[256, 256], [384, 256]]}', "utf-8")
    assert read_sizes(tmp_path) == [Size(256, 256), Size(384, 256)]


def test_the_tables_go_between_their_markers(tmp_path):
    card = tmp_path / "README.md"
    marked = [f"<!-- {name}: begin -->\nold\n<!-- {name}: end -->\n" for name in ("table", "sizes")]
    card.write_text("before\n" + "between\n".join(marked) + "after\n", "utf-8")
    write_into_card(card, "table", as_markdown([Row("fox", "70 %", "90 %", "95.0 %", 3)]))
    write_into_card(card, "sizes", sizes_as_markdown([["512×512", "90.0 %", "60.0 %", "99.0 %", "3 + 2"]]))
    text = card.read_text("utf-8")
    assert "old" not in text
    assert "| fox | 70 % | 90 % | **95.0 %** | 3 |" in text
    assert text.index("95.0 %") < text.index("between\n") < text.index("| 512×512 | 90.0 % |")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
