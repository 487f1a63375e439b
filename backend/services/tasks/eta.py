"""How long tasks will take, learned from how long others took."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from backend.models.schemas import GenerateRequest

_WEIGHT = 0.3
"""Share of the newest observation in the running mean."""
_KEPT = 64


@dataclass(frozen=True)
class _Kind:
    """What decides how long a step takes."""

    model: str
    use_gpu: bool
    area_px: int
    guided: bool | None
    """None for whatever the model does by itself; guidance doubles the work."""

    @classmethod
    def of(cls, request: GenerateRequest) -> _Kind:
        guided = None if request.guidance_scale is None else request.guidance_scale > 0
        return cls(request.model, request.use_gpu, request.width * request.height, guided)


@dataclass(frozen=True)
class _Pace:
    forward_s: float
    around_s: float


class Forecast:
    """Running means of the seconds a forward, and of those around the forwards of one picture; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paces: dict[_Kind, _Pace] = {}
        self._guess: tuple[_Kind, _Pace] | None = None
        self.version = 0
        """Grows whenever an answer may have changed."""

    def guess(self, request: GenerateRequest, forwards: int, denoise_s: float) -> None:
        """Takes in the first forwards of a picture; counts until a whole picture of its kind is known."""
        with self._lock:
            kind = _Kind.of(request)
            self._guess = (kind, _Pace(denoise_s / forwards, 0.0))
            self.version += kind not in self._paces

    def learn(self, request: GenerateRequest, forwards: int, denoise_s: float, around_s: float) -> None:
        """Takes in how long a picture took: its forwards together, and everything else but loading."""
        kind, seen = _Kind.of(request), _Pace(denoise_s / forwards, around_s)
        with self._lock:
            known = self._paces.pop(kind, seen)  # the latest stands last
            self._paces[kind] = _Pace(_mean(known.forward_s, seen.forward_s), _mean(known.around_s, seen.around_s))
            if len(self._paces) > _KEPT:
                del self._paces[next(iter(self._paces))]
            self.version += 1

    def seconds(self, request: GenerateRequest, pictures_done: int = 0, forwards_done: int = 0) -> float | None:
        """Returns the seconds that are left of a request; None when nothing like it has run."""
        with self._lock:
            pace = self._pace(_Kind.of(request))
        if pace is None:
            return None
        pictures = request.num_images - pictures_done
        forwards = pictures * max(1, request.num_inference_steps - 1) - forwards_done
        return max(0, forwards) * pace.forward_s + max(0, pictures) * pace.around_s

    def _pace(self, kind: _Kind) -> _Pace | None:
        if kind in self._paces:
            return self._paces[kind]
        for known in reversed(self._paces):  # another size: time goes with the area
            if replace(known, area_px=kind.area_px) == kind:
                pace, scale = self._paces[known], kind.area_px / known.area_px
                return _Pace(pace.forward_s * scale, pace.around_s * scale)
        return self._guess[1] if self._guess is not None and self._guess[0] == kind else None


def _mean(known: float, seen: float) -> float:
    return known + _WEIGHT * (seen - known)
