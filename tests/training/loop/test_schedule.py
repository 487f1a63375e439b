import pytest
from training.loop.schedule import progress_trapezoid, trapezoid


def test_the_rate_rises_holds_and_falls():
    assert trapezoid(0, 100, warmup=10) == pytest.approx(0.1)
    assert trapezoid(40, 100, warmup=10) == 1
    assert trapezoid(99, 100, warmup=10) == pytest.approx(0.02)
    assert progress_trapezoid(0.5, 1000, decay=0.5) == 1
