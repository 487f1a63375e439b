import torch
from zimage.tools.evaluate_nano import (
    BEGIN,
    END,
    Row,
    as_markdown,
    background_of,
    crop_things,
    hits_at,
    write_into_card,
)
from zimage.tools.nano.judge import SIDE_PX, build_judge, judge_logits
from zimage.tools.nano.scenes import palette_tensor


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


def test_hits():
    logits = torch.tensor([[0.0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0]])
    items = torch.tensor([5, 4])
    assert hits_at(logits, items, 1) == 1
    assert hits_at(logits, items, 5) == 2


def test_the_judge_takes_every_square_size():
    judge = build_judge(7).requires_grad_(False)
    for side in (SIDE_PX, 2 * SIDE_PX, 4 * SIDE_PX):
        assert judge_logits(judge, torch.rand(2, 3, side, side)).shape == (2, 7)


def test_the_table_goes_between_the_markers(tmp_path):
    card = tmp_path / "README.md"
    card.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", "utf-8")
    write_into_card(card, as_markdown([Row("fox", "70 %", "90 %", "95.0 %", 3)]))
    text = card.read_text("utf-8")
    assert "old" not in text
    assert "| fox | 70 % | 90 % | **95.0 %** | 3 |" in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
