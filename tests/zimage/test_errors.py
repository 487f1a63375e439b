"""Callers catch one base class, or the builtin that an error also is."""

import pytest
from zimage import errors
from zimage.utils.attention import AttentionUnavailable

RAISED = [value for value in vars(errors).values() if isinstance(value, type) and value is not errors.ZImageError]


@pytest.mark.parametrize("error", [*RAISED, AttentionUnavailable])
def test_every_error_is_of_the_library_and_a_builtin(error):
    assert len(RAISED) >= 4
    assert issubclass(error, errors.ZImageError)
    assert issubclass(error, ValueError | ArithmeticError | RuntimeError)


def test_part_error_names_its_part():
    error = errors.PartError("vae", OSError("no such file"))
    assert (error.part, str(error)) == ("vae", "vae: no such file")
