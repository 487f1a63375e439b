"""A cluster inside this process: actors are plain objects, calls run on threads, machines come and go at will."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor, wait

from backend.services.tasks.executors.ray.actor import Actor
from backend.services.tasks.executors.ray.cluster import Failed, Unanswered


def a_node(name: str, **resources: float) -> dict[str, object]:
    """A machine as `ray.nodes()` tells it."""
    return {"NodeID": f"{name}00000000", "Alive": True, "NodeManagerHostname": f"host-{name}", "Resources": resources}


class Call:
    def __init__(self, handle: Handle, name: str) -> None:
        self._handle, self._name = handle, name

    def remote(self, *args: object) -> Future:
        handle = self._handle
        if handle.is_dead:
            failed: Future = Future()
            failed.set_exception(Unanswered("the actor has died"))
            return failed
        if handle.is_silent:
            return Future()
        return handle.threads.submit(getattr(handle.actor, self._name), *args)


class Handle:
    """An actor that can be killed, and may be silent."""

    def __init__(self, make_workshop) -> None:
        self.threads = ThreadPoolExecutor(8)
        self.make_workshop = make_workshop
        self.is_silent = self.is_dead = self.is_out = False
        self.start()

    def start(self) -> None:
        self.actor = Actor(self.make_workshop)
        self.is_dead = False

    def __getattr__(self, name: str) -> Call:
        return Call(self, name)


class Stream:
    def __init__(self, handle: Handle, key: str) -> None:
        self._handle, self._actor, self._key = handle, handle.actor, key

    def hear(self, timeout_s: float):
        if self._handle.is_dead or self._handle.actor is not self._actor:
            raise Unanswered("the actor has died")
        return [] if self._handle.is_silent else self._actor.hear(self._key, timeout_s)


class PretendedCluster:
    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.is_there, self.is_connected = True, False
        self.load_error: Exception | None = None
        self.handles: dict[str, Handle] = {}
        self.connections = 0

    def load(self) -> None:
        if self.load_error is not None:
            raise self.load_error

    def connect(self) -> None:
        if not self.is_there:
            raise Unanswered("nobody is there")
        self.is_connected = True
        self.connections += 1

    def disconnect(self) -> None:
        self.is_connected = False

    def nodes(self):
        if not self.is_there:
            raise Unanswered("nobody is there")
        return [a_node(name, GPU=1, CPU=1) for name in self.names]

    def start_actor(self, place, make_workshop) -> Handle:
        self.handles[place.node.removeprefix("host-")] = handle = Handle(make_workshop)
        return handle

    def kill(self, actor: Handle, *, for_good: bool) -> None:
        actor.is_dead, actor.is_out = True, for_good
        if not for_good:
            actor.start()

    def keep(self, value: object) -> object:
        return value

    def answer(self, reference: Future, timeout_s: float):
        try:
            return reference.result(timeout_s)
        except Unanswered:
            raise
        except TimeoutError:
            raise Unanswered("no answer in time") from None
        except Exception as error:
            raise Failed(str(error)) from error

    def is_answered(self, reference: Future) -> bool:
        return bool(wait([reference], timeout=0).done)

    def listen(self, actor: Handle, key: str, job: str, images) -> Stream:
        if actor.is_dead:
            raise Unanswered("the actor has died")
        actor.actor.begin(key, job, images)
        return Stream(actor, key)


class Clock:
    """Goes with the time, and can be put forward."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s
