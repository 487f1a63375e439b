from __future__ import annotations

import pytest

from backend.api.forms.file_stream import FileStream, MalformedForm

TYPE = "multipart/form-data; boundary=xyz"


def part(name, content, filename=None):
    file = f'; filename="{filename}"' if filename is not None else ""
    return f'--xyz\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content + b"\r\n"


END = b"--xyz--\r\n"


def read(body, step=10**6):
    stream = FileStream(TYPE, "file")
    content = b"".join(stream.feed(body[at : at + step]) for at in range(0, len(body), step))
    stream.finish()
    return stream.filename, content


@pytest.mark.parametrize("step", [1, 2, 7, 64, 10**6])
def test_the_file_comes_as_it_is_in_pieces_of_any_size(step):
    content = b"\r\n--xy\r\n--" + bytes(range(256)) * 3
    body = part("note", b"text") + part("file", content, "a b.safetensors") + part("file", b"second", "b") + END
    assert read(body, step) == ("a b.safetensors", content)


def test_other_fields_are_passed_over():
    assert read(part("other", b"x", "a") + part("file", b"a text") + END) == (None, b"")


@pytest.mark.parametrize("kind", ["", "application/json", "multipart/form-data", "multipart/form-data; boundary="])
def test_what_is_no_form(kind):
    with pytest.raises(MalformedForm):
        FileStream(kind, "file")


@pytest.mark.parametrize("body", [b"", b"raw", part("file", b"x", "a"), part("file", b"x", "a")[:-4], b"--xyz\r\n\r\n"])
def test_a_form_that_is_malformed_or_ends_too_early(body):
    with pytest.raises(MalformedForm):
        read(body)


def test_a_name_that_is_no_utf_8():
    body = part("file", b"x", "NAME").replace(b"NAME", b"caf\xe9") + END
    assert read(body) == ("caf\ufffd", b"x")
