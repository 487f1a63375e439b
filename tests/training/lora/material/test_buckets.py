import pytest
from PIL import Image
from training.lora.errors import TrainingError
from training.lora.material.buckets import choose_size, fit, sizes_within


@pytest.mark.parametrize(
    ("picture", "size"),
    [
        ((256, 256), (256, 256)),
        ((4000, 4000), (256, 256)),
        ((3000, 2000), (288, 192)),
        ((2000, 3000), (192, 288)),
        ((9000, 100), (384, 128)),
        ((100, 9000), (128, 384)),
    ],
)
def test_a_size_has_the_shape_of_the_picture(picture, size):
    assert choose_size(*picture, sizes_within(256, 32)) == size


def test_of_sizes_that_fit_as_well_the_first_is_chosen():
    assert choose_size(100, 100, [(64, 64), (96, 96)]) == (64, 64)
    assert choose_size(150, 100, [(256, 256), (384, 256), (256, 384)]) == (384, 256)


@pytest.mark.parametrize(("resolution", "multiple"), [(1024, 16), (512, 32), (96, 32), (32, 32)])
def test_every_size_lies_on_the_grid_and_has_about_the_area(resolution, multiple):
    sizes = sizes_within(resolution, multiple)
    assert sizes[0][0] * sizes[0][1] == resolution**2
    for width, height in sizes:
        assert not width % multiple
        assert not height % multiple
        assert 0.75 * resolution**2 <= width * height <= resolution**2
        assert max(width / height, height / width) <= 3


def test_a_resolution_below_the_grid_is_refused():
    with pytest.raises(TrainingError, match="at least 32"):
        sizes_within(31, 32)


def test_fitting_cuts_off_both_sides_evenly():
    picture = Image.new("RGB", (400, 100), "black")
    picture.paste("white", (150, 0, 250, 100))
    fitted = fit(picture, (64, 64))
    assert fitted.size == (64, 64)
    assert {fitted.getpixel((x, 32)) for x in (1, 32, 62)} == {(255, 255, 255)}
    assert fit(picture, (256, 64)).getpixel((2, 2)) == (0, 0, 0)
