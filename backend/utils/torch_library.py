"""Imports of large libraries, torch above all, that do not stop the other threads for long."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

NAME = "libtorch_cpu.so"


def map_torch() -> bool:
    """Maps torch's largest library, so that the import that follows finds it there.

    An import holds the interpreter's lock while it maps a library, here for 0.2 s in which no request is answered. A
    foreign function that ctypes calls does not hold it, and `dlopen` is one.

    Returns:
        Whether it is mapped. It need not be: the import does it otherwise.
    """
    spec = importlib.util.find_spec("torch")
    places = spec.submodule_search_locations if spec is not None else None
    library = Path(places[0]) / "lib" / NAME if places else None
    if os.name != "posix" or library is None or not library.is_file():
        return False
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.restype = ctypes.c_void_p
    return dlopen(os.fsencode(library), os.RTLD_NOW | os.RTLD_LOCAL) is not None


@contextlib.contextmanager
def imported_for_good() -> Iterator[None]:
    """Spares imports, and all that runs after them, the search for garbage among what they make.

    Modules stay, but each full collection looks through them with the interpreter's lock held: 0.1 s with torch. Where
    torch is there already nothing is spared, since what else is there need not stay.
    """
    if "torch" in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
