import io

import pytest
from zimage.errors import WeightsError
from zimage.tools.console import Progress, run


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_log_gets_few_lines():
    stream = io.StringIO()
    progress = Progress(1000, stream)
    for _ in range(1000):
        progress(1)
    lines = stream.getvalue().splitlines()
    assert [line.split(" %")[0].strip() for line in lines] == [str(n) for n in range(10, 101, 10)]


def test_a_terminal_gets_one_line_that_changes():
    stream = Terminal()
    progress = Progress(200, stream)
    for _ in range(200):
        progress(1)
    assert stream.getvalue().count("\r") == 99
    assert stream.getvalue().endswith("GB\n")


def test_progress_of_no_bytes_is_complete():
    stream = io.StringIO()
    Progress(0, stream)(0)
    assert "100 %" in stream.getvalue()


@pytest.mark.parametrize(
    ("raised", "status", "told"),
    [
        (WeightsError("model.safetensors is truncated"), 1, "error: model.safetensors is truncated\n"),
        (FileNotFoundError(2, "No such file", "a"), 1, "error: [Errno 2] No such file: 'a'\n"),
        (KeyboardInterrupt(), 130, "stopped\n"),
    ],
)
def test_an_error_is_a_sentence_and_a_status(raised, status, told, capsys):
    def command():
        raise raised

    assert run(command) == status
    assert capsys.readouterr().err == told


def test_a_programming_error_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        run(lambda: 1 // 0)


def test_run_returns_the_status_of_the_command():
    assert run(lambda: 0) == 0
