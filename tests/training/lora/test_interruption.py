import os
import signal
import threading

import pytest
from training.lora.interruption import noticed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_noticed_and_ends_nothing(number):
    before = signal.getsignal(number)
    with noticed() as is_asked:
        assert not is_asked()
        os.kill(os.getpid(), number)
        assert is_asked()
    assert signal.getsignal(number) is before


def test_another_thread_gets_none():
    seen = []

    def run():
        with noticed() as is_asked:
            seen.append(is_asked())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [False]
