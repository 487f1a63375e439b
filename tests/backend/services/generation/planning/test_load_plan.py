from __future__ import annotations

from dataclasses import replace

import pytest

from backend.services.errors import UnknownDevice
from backend.services.generation.planning.load_plan import Blocks, Weights, choose_devices
from tests.backend.fakes import PLAIN_CPU, with_cards
from tests.backend.services.generation.planning.turbo import WEIGHTS


@pytest.mark.parametrize(
    ("cards", "wanted", "chosen"),
    [
        ([], [], ["cpu"]),
        ([], ["auto"], ["cpu"]),
        (["cuda"], [], ["cuda"]),
        (["cuda"], ["cuda:0"], ["cuda"]),
        (["cuda"], ["cpu"], ["cpu"]),
        (["cuda:0", "cuda:1"], [], ["cuda:0"]),
        (["cuda:0", "cuda:1"], ["auto"], ["cuda:0", "cuda:1"]),
        (["cuda:0", "cuda:1"], ["cuda:1", "cpu", "cuda:1"], ["cuda:1", "cpu"]),
    ],
)
def test_devices_of_the_settings(cards, wanted, chosen):
    hardware = with_cards(*cards) if cards else PLAIN_CPU
    assert list(choose_devices(hardware, wanted)) == chosen


def test_a_device_that_is_not_here_is_named_with_those_that_are():
    with pytest.raises(UnknownDevice, match=r"names cuda:2; this machine has cpu, cuda:0, cuda:1"):
        choose_devices(with_cards("cuda:0", "cuda:1"), ["cuda:0", "cuda:2"])


def test_quantised_are_the_matrices_and_nothing_else():
    transformer, text, vae = WEIGHTS.part_bytes("bfloat16", "int8")
    blocks = 34 * 176_947_200
    assert transformer == blocks + 2 * (6_154_000_000 - blocks)
    assert text == 35 * 100_925_440 + 2 * 388_956_160
    assert vae == 2 * 84_000_000


BLOCKS_OF_DIT, LAYERS_OF_TEXT = 34 * 176_947_200, 35 * 100_925_440
Q4_0 = replace(WEIGHTS, stored="gguf", blocks=(Blocks(BLOCKS_OF_DIT, BLOCKS_OF_DIT * 9 // 16), Blocks()))


def test_blocks_of_gguf_are_counted_as_they_are_stored_and_other_matrices_as_int8():
    transformer, *others = Q4_0.part_bytes("bfloat16", "gguf")
    assert transformer == BLOCKS_OF_DIT * 9 // 16 + 2 * (6_154_000_000 - BLOCKS_OF_DIT)
    assert others == list(WEIGHTS.part_bytes("bfloat16", "int8")[1:])
    assert Q4_0.part_bytes("bfloat16") == WEIGHTS.part_bytes("bfloat16")
    assert Q4_0.part_bytes("bfloat16", "int8") == WEIGHTS.part_bytes("bfloat16", "int8")
    assert Q4_0.block_bytes("bfloat16", "gguf") == 176_947_200 * 9 // 16
    assert Q4_0.text_layer_bytes("bfloat16", "gguf") == 100_925_440


def test_matrices_of_gguf_that_are_in_no_blocks_stay_plain():
    half = replace(Q4_0, blocks=(Blocks(BLOCKS_OF_DIT // 2, BLOCKS_OF_DIT // 4), Blocks(LAYERS_OF_TEXT, 10**9)))
    transformer, text, _ = half.part_bytes("bfloat16", "gguf")
    assert transformer == pytest.approx(BLOCKS_OF_DIT * 5 // 4 + 2 * (6_154_000_000 - BLOCKS_OF_DIT), abs=34)
    assert text == pytest.approx(10**9 + 2 * 388_956_160, abs=35)


def test_where_nobody_tells_blocks_apart_those_of_gguf_count_as_a_whole():
    unknown = Weights(1_000_000, 2_000_000, 10, blocks=(Blocks(900_000, 500_000), Blocks()))
    assert unknown.part_bytes("bfloat16", "gguf") == (500_000 + 2 * 100_000, 2_140_000, 20)


def test_controlnets_are_beside_the_transformer_in_what_its_matrices_are_held_in():
    beside = replace(Q4_0, controls=1_000_000)
    for quantization, size in ((None, 2.0), ("int8", 1.07), ("gguf", 1.07)):
        more = beside.part_bytes("bfloat16", quantization)[0] - Q4_0.part_bytes("bfloat16", quantization)[0]
        assert more == size * 1_000_000


def test_the_last_layer_of_the_text_encoder_is_not_loaded():
    assert WEIGHTS.part_bytes("bfloat16")[1] < 2 * WEIGHTS.text_encoder


def test_where_nobody_tells_which_are_matrices_an_average_counts():
    unknown = Weights(1_000_000, 2_000_000, 10)
    assert unknown.part_bytes("bfloat16") == (2_000_000, 4_000_000, 20)
    assert unknown.part_bytes("bfloat16", "int8") == (1_070_000, 2_140_000, 20)


def test_the_autoencoder_is_in_float32_where_float16_ends_too_early():
    assert replace(WEIGHTS, n_blocks=0).part_bytes("float16")[2] == 4 * 84_000_000


def test_loras_are_beside_the_transformer_and_never_quantised():
    beside = replace(Q4_0, loras=1_000_000)
    for dtype, quantization, size in (("bfloat16", "int8", 2), ("float32", None, 4)):
        more = beside.part_bytes(dtype, quantization)[0] - Q4_0.part_bytes(dtype, quantization)[0]
        assert more == size * 1_000_000
