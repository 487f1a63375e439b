"""The one place that talks to Ray: connects, starts actors, listens to them. Ray is imported when it is asked for."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from backend.services.errors import ExecutorUnusable
from backend.services.tasks.executors.ray.actor import Actor, MakeWorkshop
from backend.services.tasks.executors.ray.placement import Place
from backend.services.tasks.executors.ray.wire import Packed

logger = logging.getLogger(__name__)

NAMESPACE = "zimage"
N_THREADS = 8
"""Of an actor: a job, a cancel, a look, a ping, an unload; the rest is in reserve for calls whose callers are gone."""
HEADLESS_S = 600
"""How long a cluster may be without its head; workers go on meanwhile."""
OWN_STORE_BYTES = 512 * 2**20
"""Object store of a Ray of our own: it holds inputs and images on their way, nothing else."""
CLIENT = "ray://"


class Unanswered(Exception):
    """An actor or the cluster has not answered; the message says what Ray says."""


class Restarting(Unanswered):
    """The actor's process has ended, and another one is being started."""


class Failed(Exception):
    """An actor's method has raised."""


class Cluster:
    """A connection to Ray; one a process."""

    def __init__(self, address: str | None, temp_dir: str | None = None) -> None:
        """Connects to nothing yet.

        Args:
            address: `auto`, `host:port` or `ray://host:port` of a cluster; None for a Ray of our own on this machine.
            temp_dir: of that one, short, since sockets lie in it.
        """
        self._address = address
        self._temp_dir = temp_dir
        self._ray: Any = None
        self.is_connected = False

    @property
    def is_client(self) -> bool:
        """Whether it talks through Ray's client, which has no streams."""
        return self._address is not None and self._address.startswith(CLIENT)

    def load(self) -> None:
        """Imports Ray.

        Raises:
            ExecutorUnusable: it is not installed.
        """
        if find_spec("ray") is None:
            raise ExecutorUnusable(
                'ZIMAGE_EXECUTOR=ray needs the package ray, which is not installed: pip install "z-image-studio[ray]", '
                "or set ZIMAGE_EXECUTOR=local."
            )
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")  # else a call without a cluster starts a whole Ray here
        os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", str(HEADLESS_S))  # then Ray ends this process
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # the later default; warns otherwise
        self._ray = importlib.import_module("ray")

    def connect(self) -> None:
        """Connects, or starts a Ray of our own; does so anew after `disconnect`.

        Raises:
            ExecutorUnusable: the cluster has another version of Python or Ray.
            Unanswered: nobody is there.
        """
        options: dict[str, Any] = {"namespace": NAMESPACE, "log_to_driver": False, "configure_logging": False}
        if self._address is None:
            options |= {
                "address": "local",
                "include_dashboard": False,
                "object_store_memory": OWN_STORE_BYTES,
                "_temp_dir": self._temp_dir,
                "runtime_env": {"env_vars": {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}},
            }
        else:
            options["address"] = self._address
        try:
            self._ray.init(**options)
        except RuntimeError as error:
            if "ersion mismatch" in str(error):
                raise ExecutorUnusable(f"The cluster at {self._address} is another version: {error}") from error
            raise Unanswered(str(error)) from error
        except Exception as error:  # ConnectionError, and what grpc raises
            raise Unanswered(str(error)) from error
        self.is_connected = True

    def disconnect(self) -> None:
        """Ends the actors and the connection, and a Ray of our own with it."""
        self.is_connected = False
        if self._ray is not None:
            with contextlib.suppress(Exception):  # of a cluster that is gone nothing is left to end
                self._ray.shutdown()

    def nodes(self) -> Sequence[Mapping[str, Any]]:
        """Returns the machines of the cluster, as Ray tells them.

        Raises:
            Unanswered: the cluster is gone.
        """
        try:
            return list(self._ray.nodes())
        except Exception as error:
            raise Unanswered(str(error)) from error

    def start_actor(self, place: Place, make_workshop: MakeWorkshop) -> Any:
        """Starts an actor on the machine of a place; returns its handle at once."""
        strategies = importlib.import_module("ray.util.scheduling_strategies")
        actor = self._ray.remote(
            num_gpus=place.n_gpus,
            num_cpus=place.n_cpus,
            max_restarts=-1,
            max_task_retries=0,  # the journal decides what runs again
            max_concurrency=N_THREADS,
            scheduling_strategy=strategies.NodeAffinitySchedulingStrategy(place.node_id, soft=False),
        )(Actor)
        return actor.remote(make_workshop)

    def kill(self, actor: Any, *, for_good: bool) -> None:
        """Ends an actor's process; without `for_good` Ray starts it anew."""
        with contextlib.suppress(Exception):  # it is gone already
            self._ray.kill(actor, no_restart=for_good)

    def keep(self, value: object) -> Any:
        """Puts a value into the object store, for as long as its reference is held.

        Raises:
            Unanswered: the cluster is gone.
        """
        with _in_our_words(self._ray):
            return self._ray.put(value)

    def answer(self, reference: Any, timeout_s: float) -> Any:
        """Returns what a call has returned; waits for it.

        Raises:
            Unanswered: the actor is gone, or does not answer in time.
            Failed: the method has raised.
        """
        with _in_our_words(self._ray):
            return self._ray.get(reference, timeout=timeout_s)

    def is_answered(self, reference: Any) -> bool:
        """Tells whether a call has returned or failed by now.

        Raises:
            Unanswered: the cluster is gone.
        """
        with _in_our_words(self._ray):
            return bool(self._ray.wait([reference], timeout=0)[0])

    def listen(self, actor: Any, key: str, job: str, images: object) -> Stream | Poll:
        """Lets an actor draw a job; returns what its events come from."""
        if self.is_client:
            return Poll(self, actor, key, job, images)
        return Stream(self, self._ray, actor, key, job, images)


class Stream:
    """Events of a job, as they come."""

    def __init__(self, cluster: Cluster, ray: Any, actor: Any, key: str, job: str, images: object) -> None:
        self._cluster, self._ray = cluster, ray
        with _in_our_words(ray):
            self._events = actor.draw.options(num_returns="streaming").remote(key, job, images)

    def hear(self, timeout_s: float) -> list[Packed]:
        """Returns what has come; waits for it, at most so long.

        Raises:
            Unanswered: the actor is gone.
            Failed: its method has raised.
        """
        with _in_our_words(self._ray):
            if not self._ray.wait([self._events], timeout=timeout_s)[0]:
                return []
            reference = next(self._events, None)
        if reference is None:
            raise Unanswered("the stream of its events has ended")
        return [self._cluster.answer(reference, FETCH_S)]


class Poll:
    """The same where there are no streams: a question that waits for the next event."""

    def __init__(self, cluster: Cluster, actor: Any, key: str, job: str, images: object) -> None:
        self._cluster, self._actor, self._key = cluster, actor, key
        cluster.answer(actor.begin.remote(key, job, images), FETCH_S)

    def hear(self, timeout_s: float) -> list[Packed]:
        """Returns what has come; see `Stream.hear`."""
        heard: list[Packed] = self._cluster.answer(self._actor.hear.remote(self._key, timeout_s), FETCH_S)
        return heard


FETCH_S = 60.0
"""Longest wait for what is on its way: an image of some megabytes, from another machine."""


@contextlib.contextmanager
def _in_our_words(ray: Any) -> Iterator[None]:
    """Translates what Ray raises; a ValueError is what it says of a reference from an earlier connection."""
    errors = ray.exceptions
    try:
        yield
    except errors.RayTaskError as error:
        raise Failed(str(error)) from error
    except errors.ActorUnavailableError as error:
        raise Restarting(_first_line(error)) from error
    except (errors.RayError, ConnectionError, ValueError) as error:
        raise Unanswered(_first_line(error)) from error


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
