"""One file out of a multipart body, as it comes: nothing is kept but what has not been asked for yet."""

from __future__ import annotations

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header


class MalformedForm(ValueError):
    """The body is no form, or ends too early."""


class FileStream:
    """Takes the first file of a field out of a form; other fields are passed over."""

    def __init__(self, content_type: str, field: str) -> None:
        """Reads the boundary.

        Raises:
            MalformedForm: the type of the body is not that of a form.
        """
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise MalformedForm("a form needs the type multipart/form-data and a boundary")
        self._field = field.encode()
        self._header = self._value = b""
        self._disposition = b""
        self._is_wanted = False
        self._is_over = False
        self._content: list[bytes] = []
        self.filename: str | None = None
        """Of the file, once its part has begun."""
        self._parser = MultipartParser(
            options[b"boundary"],
            {
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            },
        )

    def feed(self, piece: bytes) -> bytes:
        """Takes in the next piece of the body; returns what of the file is in it.

        Raises:
            MalformedForm: it is no form.
        """
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise MalformedForm("the form is malformed") from error
        content, self._content = b"".join(self._content), []
        return content

    def finish(self) -> None:
        """Tells that the body has ended.

        Raises:
            MalformedForm: the form has not.
        """
        if not self._is_over:
            raise MalformedForm("the form ends too early")

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._disposition = b""
        name = options.get(b"filename")
        self._is_wanted = self.filename is None and name is not None and options.get(b"name") == self._field
        if self._is_wanted and name is not None:
            self.filename = name.decode("utf-8", "replace")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_wanted:
            self._content.append(data[start:end])

    def _on_part_end(self) -> None:
        self._is_wanted = False

    def _on_end(self) -> None:
        self._is_over = True
