import pytest
from zimage.errors import ConfigError
from zimage.residency.levels import Residency, choose_streamed


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"resident_blocks": -1}, "resident_blocks must be 0 or more, or None for all, got -1"),
        ({"text_encoder": "away"}, "text_encoder must be one of resident, out, streamed, got 'away'"),
        ({"vae": "streamed"}, "vae must be one of resident, out, got 'streamed'"),
    ],
)
def test_what_is_no_level_is_refused_with_those_there_are(values, message):
    with pytest.raises(ConfigError, match=message):
        Residency(**values)


@pytest.mark.parametrize("n_resident", range(40))
def test_so_many_blocks_stay_and_those_that_run_once_go_first(n_resident):
    often, once = choose_streamed(32, 2, n_resident)
    assert len(often) + len(once) == max(0, 34 - n_resident)
    assert len(once) == min(2, max(0, 34 - n_resident))
    assert often <= set(range(32))


def test_streamed_blocks_are_spread_evenly():
    often, _ = choose_streamed(32, 2, 24)
    assert sorted(often) == [3, 7, 11, 15, 19, 23, 27, 31]
    gaps = [after - before for before, after in zip(sorted(often), sorted(often)[1:], strict=False)]
    assert max(gaps) - min(gaps) <= 1
