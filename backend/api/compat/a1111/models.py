"""Models by the names of the web UI, and the one that each client has chosen."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict

from backend.api.compat.values import shortened
from backend.services.library.catalogue import Catalogue
from backend.services.library.model_entry import AUTO, ModelEntry

MAX_CLIENTS = 1000
_HASH = re.compile(r"\s*\[[0-9a-f]{6,64}\]$")


def find_model(catalogue: Catalogue, name: str) -> ModelEntry:
    """Returns the installed model of a title, a name or an id, in any case and with or without a hash behind it.

    Raises:
        ModelError: there is none, or it is not installed.
    """
    wanted = _HASH.sub("", name.strip()).removesuffix(".safetensors")
    for model in catalogue.models():
        if wanted.lower() in (model.id.lower(), model.name.lower()):
            return catalogue.resolve(model.id)
    return catalogue.resolve(shortened(wanted) or AUTO)


class ChosenModels:
    """Models that clients have chosen by the options; forgotten at the end of the program. Thread-safe."""

    def __init__(self) -> None:
        self._of_client: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, client: str) -> str:
        """Returns the id of a client's model; `auto` if it has chosen none."""
        return self._of_client.get(client, AUTO)

    def choose(self, client: str, model_id: str) -> None:
        """Sets a client's model; of very many clients the one that chose longest ago is forgotten."""
        with self._lock:
            self._of_client[client] = model_id
            self._of_client.move_to_end(client)
            if len(self._of_client) > MAX_CLIENTS:
                self._of_client.popitem(last=False)
