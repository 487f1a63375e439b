import pytest
import torch
from training.loop.checkpoints import load_checkpoint, save_atomically
from training.loop.team import Team
from training.nano.autoencoder.training import CHECKPOINT as VAE_CHECKPOINT
from training.nano.dataset import latents as latents_module
from training.nano.dataset.latents import (
    CELL,
    Backgrounds,
    _interleave,
    as_cells,
    draw_backgrounds,
    encode_share,
    place_halves,
)
from training.nano.dataset.scenes import NEUTRAL, PALETTE, UNSPECIFIED, Scene


def test_cells_are_the_grid_row_by_row():
    latents = torch.zeros(16, 16, 16)
    latents[:, CELL : 2 * CELL, 2 * CELL : 3 * CELL] = 1
    cells = as_cells(latents)
    assert cells.shape == (16, 256)
    assert cells.sum(1).nonzero().flatten().tolist() == [6]


def test_a_cell_is_ordered_row_column_channel():
    latents = torch.zeros(16, 16, 16)
    latents[3, 1, 2] = 1
    assert as_cells(latents)[0].nonzero().flatten().tolist() == [(1 * CELL + 2) * 16 + 3]


def test_half_size_latents_go_to_their_cells():
    halves = torch.full((16, 8, 8), 1.0), torch.full((16, 8, 8), 2.0)
    canvas = torch.zeros(16, 16, 16)
    place_halves(canvas, halves, Scene(0, 1, 2, 0), CELL)
    assert canvas[0, 8, 0] == 1
    assert canvas[0, 8, 15] == 2
    assert canvas[0, 0].sum() == 0


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_shares_are_put_back_in_order(workers):
    groups = list(range(7))
    assert _interleave([groups[rank::workers] for rank in range(workers)]) == groups


@pytest.fixture
def encoded(monkeypatch):
    """The groups that were encoded, of twelve things; the third one fails when told to."""
    groups: list[list[int]] = []

    def encode(vae, pictures, group, backgrounds):
        if len(groups) == encode.fails_at:
            raise KeyboardInterrupt
        groups.append(group)
        return {"full": torch.tensor(group)}

    encode.fails_at = 2
    monkeypatch.setattr(latents_module, "encode_group", encode)
    monkeypatch.setattr(latents_module, "load_vae", lambda work: None)
    monkeypatch.setattr(latents_module, "load_pictures", lambda work: torch.zeros(12, 1))
    monkeypatch.setattr(latents_module, "CHECKPOINT_EVERY_S", -1.0)  # after every group
    return groups


def groups_of(work):
    return [group["full"].tolist() for group in load_checkpoint(work / "latents-0-of-1.safetensors")["groups"]]


def test_encoding_goes_on_where_it_was_cut_off(tmp_path, encoded):
    save_atomically({"step": 5}, tmp_path / VAE_CHECKPOINT)
    with pytest.raises(KeyboardInterrupt):
        encode_share(tmp_path, Team())
    latents_module.encode_group.fails_at = None
    encode_share(tmp_path, Team())
    assert encoded == groups_of(tmp_path) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]


def test_latents_of_an_autoencoder_that_has_learned_more_are_not_kept(tmp_path, encoded):
    latents_module.encode_group.fails_at = None
    for step in (5, 6):
        save_atomically({"step": step}, tmp_path / VAE_CHECKPOINT)
        encode_share(tmp_path, Team())
    assert len(encoded) == 2 * len(groups_of(tmp_path)) == 6


def test_every_thing_has_the_neutral_background_and_two_others():
    backgrounds = draw_backgrounds(50)
    assert (backgrounds[:, 0] == NEUTRAL).all()
    assert (backgrounds[:, 1:] != NEUTRAL).all()
    assert (backgrounds[:, 1] != backgrounds[:, 2]).all()


def test_a_thing_in_a_colour_stands_on_what_is_behind_it_and_on_another_colour():
    drawn = Backgrounds.draw(30).tinted
    for colour in range(len(PALETTE)):
        assert set(drawn[:, colour, 0].tolist()) == {Scene(0, 0, 1, UNSPECIFIED, colour, colour).colour_behind}
    assert (drawn[:, :, 1] != torch.arange(len(PALETTE))).all()
    assert not (drawn[:, :, 0] == torch.arange(len(PALETTE))).any()
