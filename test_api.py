"""Walks the public API of a running server and prints a verdict a line.

python test_api.py [--url http://localhost:15000] [--prompt "一只红色的狐狸"]
Needs nothing but the standard library. Ends with status 0 when every check has passed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

POLL_S = 0.2
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
TASK_FIELDS = {"task_id", "status", "progress", "total_steps", "current_step", "message", "result", "error"}
IMAGE_FIELDS = {
    "id", "filename", "prompt", "width", "height", "num_inference_steps", "use_gpu", "size_bytes", "created_at",
    "generation_time_ms",
}  # fmt: skip


class CheckFailed(Exception):
    """The server did not answer as documented."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    content_type: str

    def json(self) -> Any:
        return json.loads(self.body)


def opener_for(url: str) -> urllib.request.OpenerDirector:
    """No proxy stands between this machine and itself, whatever the environment says."""
    here = urllib.parse.urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")
    return urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if here else []))


@dataclass
class Walk:
    """The checks, in the order in which a client would call the API."""

    url: str
    prompt: str
    timeout_s: float
    token: str | None = None
    seed: int = 0
    image: dict[str, Any] = field(default_factory=dict)
    png: bytes = b""

    def call(
        self, method: str, path: str, body: object = None, expect: int = 200, kind: str = "application/json"
    ) -> Answer:
        request = urllib.request.Request(self.url + path, method=method)
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        if body is not None:
            request.data = body if isinstance(body, bytes) else json.dumps(body).encode()
            request.add_header("Content-Type", kind)
        try:
            with opener_for(self.url).open(request, timeout=30) as response:
                answer = Answer(response.status, response.read(), response.headers.get_content_type())
        except urllib.error.HTTPError as error:
            answer = Answer(error.code, error.read(), error.headers.get_content_type())
        if answer.status != expect:
            raise CheckFailed(f"{method} {path} answered {answer.status}, expected {expect}: {answer.body[:200]!r}")
        return answer

    def submit(self, **fields: object) -> str:
        task_id: str = self.call("POST", "/api/generate", {"prompt": self.prompt, **fields}, expect=202).json()[
            "task_id"
        ]
        return task_id

    def wait(self, task_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + self.timeout_s
        last = 0.0
        while time.monotonic() < deadline:
            task: dict[str, Any] = self.call("GET", f"/api/generate/{task_id}").json()
            require(task["progress"] >= last, f"progress fell from {last} to {task['progress']}")
            last = task["progress"]
            if task["status"] not in ("pending", "processing"):
                return task
            time.sleep(POLL_S)
        raise CheckFailed(f"the task did not finish within {self.timeout_s:g} s")

    def health(self) -> str:
        answer = self.call("GET", "/health").json()
        require(answer == {"status": "healthy", "service": "Z-Image API"}, f"unexpected answer {answer}")
        return "healthy"

    def root(self) -> str:
        answer = self.call("GET", "/").json()
        require(answer["docs"] == "/docs" and answer["health"] == "/health", f"unexpected answer {answer}")
        return f"version {answer['version']}"

    def docs(self) -> str:
        require(b"swagger" in self.call("GET", "/docs").body.lower(), "no Swagger page")
        return f"{len(self.call('GET', '/openapi.json').json()['paths'])} paths"

    def models(self) -> str:
        answer = self.call("GET", "/api/models").json()
        require(answer["default"] is not None, "no model is installed")
        return f"auto means {answer['default']}"

    def system(self) -> str:
        answer = self.call("GET", "/api/system/status").json()
        require({"cpu", "memory", "gpu", "disk", "timestamp"} <= answer.keys(), f"fields are missing: {sorted(answer)}")
        gpu = answer["gpu"]["name"] if answer["gpu"] else "none"
        return f"{answer['cpu']['cores']} cores, {answer['memory']['total_gb']} GB, GPU {gpu}"

    def generate(self) -> str:
        # drawn here before, it would be in the history already
        self.seed = random.randrange(2**32)
        task = self.wait(self.submit(width=512, height=512, seed=self.seed))
        require(task.keys() >= TASK_FIELDS, f"fields are missing: {sorted(TASK_FIELDS - task.keys())}")
        require(task["status"] == "completed", f"{task['status']}: {task['error']}")
        require(task["progress"] == 100 and task["current_step"] == task["total_steps"], "completed below 100 %")
        self.image = task["result"]
        require(self.image.keys() >= IMAGE_FIELDS, f"fields are missing: {sorted(IMAGE_FIELDS - self.image.keys())}")
        size = f"{self.image['width']}×{self.image['height']}"
        return (
            f"{self.image['model']}, {size}, seed {self.image['seed']}, {self.image['generation_time_ms'] / 1000:.1f} s"
        )

    def download(self) -> str:
        answer = self.call("GET", f"/api/download/{self.image['id']}")
        require(answer.content_type == "image/png" and answer.body.startswith(PNG_SIGNATURE), "no PNG")
        require(len(answer.body) == self.image["size_bytes"], "size_bytes is not the size of the file")
        self.png = answer.body
        return f"{len(answer.body)} bytes"

    def thumbnail(self) -> str:
        answer = self.call("GET", self.image["thumbnail_url"])
        require(answer.content_type == "image/webp", f"no WebP but {answer.content_type}")
        widths = self.call("GET", "/api/capabilities").json()["thumbnail_widths"]
        sizes = [len(self.call("GET", f"{self.image['thumbnail_url']}?w={width}").body) for width in widths]
        self.call("GET", f"{self.image['thumbnail_url']}?w={max(widths) + 1}", expect=422)
        return f"{len(answer.body)} bytes; {', '.join(map(str, widths))} wide: {', '.join(map(str, sizes))}"

    def latest(self) -> str:
        answer = self.call("GET", "/api/images/latest").json()
        is_newest = answer["created_at"] >= self.image["created_at"]  # others may draw here, too
        require(is_newest and "download_url" in answer, "not the newest picture")
        return str(answer["filename"])

    def history(self) -> str:
        answer = self.call("GET", "/api/history?page=1&page_size=20").json()
        require(answer["page"] == 1 and answer["page_size"] == 20, "page or page_size is wrong")
        found = self.call("GET", f"/api/history?from={quote(self.image['created_at'])}&sort=oldest").json()["images"]
        require(self.image["id"] in [image["id"] for image in found], "the picture is not in the history")
        return f"{answer['total']} pictures"

    def same_seed(self) -> str:
        task = self.wait(self.submit(width=512, height=512, seed=self.seed))
        first, second = (self.call("GET", f"/api/download/{i}").body for i in (self.image["id"], task["result"]["id"]))
        self.remove(task["result"]["id"])
        require(pixels(first) == pixels(second), "the same seed gave another picture")
        return "same picture"

    def cancel(self) -> str:
        task_id = self.submit(width=512, height=512, num_inference_steps=50)
        self.call("DELETE", f"/api/generate/{task_id}", expect=202)
        task = self.wait(task_id)
        require(task["status"] == "cancelled" and task["result"] is None, f"{task['status']} instead of cancelled")
        return f"after {task['current_step']} of {task['total_steps']} steps"

    def refusals(self) -> str:
        for body in (
            {},
            {"prompt": ""},
            {"prompt": "x", "width": 100},
            {"prompt": "x", "width": "512"},
            {"prompt": "x", "no": 1},
        ):
            error = self.call("POST", "/api/generate", body, expect=422).json()["error"]
            require(error["code"] == "validation_error" and bool(error["message"]), f"untyped error {error}")
        for unknown in ("0" * 32, "nope"):
            self.call("GET", f"/api/generate/{unknown}", expect=404)
        self.call("GET", "/api/history?page=0", expect=422)
        return "bad input is refused with a message"

    def guidance(self) -> str:
        model = next(m for m in self.call("GET", "/api/models").json()["models"] if m["id"] == self.image["model"])
        if not model["guidance"]:
            body = {"prompt": "x", "model": model["id"], "guidance_scale": model["guidance_scale"] + 1}
            error = self.call("POST", "/api/generate", body, expect=422).json()["error"]
            require(error["code"] == "guidance_unused", f"{error['code']} instead of guidance_unused")
        return f"{model['id']} is {'guided' if model['guidance'] else 'not guided, and says so'}"

    def several(self) -> str:
        task = self.wait(self.submit(width=256, height=256, seed=7, num_images=2, num_inference_steps=2))
        seeds = [image["seed"] for image in task["images"]]
        for image in task["images"]:
            self.remove(image["id"])
        require(seeds == [7, 8] and task["num_images"] == 2, f"seeds {seeds}, expected 7 and 8")
        return "2 pictures, seeds 7 and 8"

    def marks(self) -> str:
        path = f"/api/history/{self.image['id']}"
        changed = self.call("PATCH", path, {"favourite": True, "tags": ["walk"]}).json()
        require(changed["favourite"] and changed["tags"] == ["walk"], f"unexpected answer {changed}")
        found = self.call("GET", "/api/history?tag=walk&favourite=true").json()["images"]
        require(self.image["id"] in [image["id"] for image in found], "a tagged favourite is not found")
        return "found by tag"

    def tokens(self) -> str:
        answer = self.call("POST", "/api/tokens", {"prompt": self.prompt}).json()
        require(0 < answer["tokens"] <= answer["limit"], f"unexpected answer {answer}")
        return f"{answer['tokens']} of {answer['limit']}"

    def trash(self) -> str:
        path = f"/api/history/{self.image['id']}"
        self.call("DELETE", f"{path}?permanent=true", expect=409)
        self.call("DELETE", path, expect=204)
        require(self.call("POST", f"{path}/restore").json()["deleted_at"] is None, "not restored")
        return "deleted and restored"

    def delete(self) -> str:
        self.remove(self.image["id"])
        self.call("GET", f"/api/download/{self.image['id']}", expect=404)
        return "gone for good"

    def imported(self) -> str:
        head = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="x.png"\r\n\r\n'
        form, kind = head + self.png + b"\r\n--edge--\r\n", "multipart/form-data; boundary=edge"
        first, again = (self.call("POST", "/api/history/import", form, status, kind).json() for status in (201, 200))
        self.remove(first["id"])
        require(first["pixel_hash"] == self.image["pixel_hash"] == again["pixel_hash"], "another picture")
        return f"{first['prompt']}, once"

    def remove(self, image_id: str) -> None:
        self.call("DELETE", f"/api/history/{image_id}", expect=204)
        self.call("DELETE", f"/api/history/{image_id}?permanent=true", expect=204)


def pixels(png: bytes) -> bytes:
    """Returns the compressed pixels of a PNG: its IDAT chunks, without the texts before them."""
    position, data = len(PNG_SIGNATURE), b""
    while position < len(png):
        length = int.from_bytes(png[position : position + 4], "big")
        if png[position + 4 : position + 8] == b"IDAT":
            data += png[position + 8 : position + 8 + length]
        position += length + 12
    return data


def require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise CheckFailed(otherwise)


def run(checks: list[Callable[[], str]]) -> int:
    """Runs every check and returns how many failed."""
    failures = 0
    for check in checks:
        name = check.__name__.replace("_", " ")
        try:
            print(f"ok    {name:<10} {check()}", flush=True)
        except (CheckFailed, OSError, KeyError, ValueError) as error:
            failures += 1
            print(f"FAIL  {name:<10} {type(error).__name__}: {error}", flush=True)
    return failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default=f"http://localhost:{os.environ.get('ZIMAGE_PORT', '15000')}")
    parser.add_argument("--prompt", default="一只红色的狐狸")
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds to wait for one picture")
    options = parser.parse_args()
    walk = Walk(options.url.rstrip("/"), options.prompt, options.timeout, os.environ.get("ZIMAGE_API_TOKEN"))
    failures = run([
        walk.health, walk.root, walk.docs, walk.models, walk.system, walk.generate, walk.download, walk.thumbnail,
        walk.latest, walk.history, walk.same_seed, walk.several, walk.marks, walk.tokens, walk.cancel, walk.refusals,
        walk.guidance, walk.trash, walk.delete, walk.imported,
    ])  # fmt: skip
    print("every check passed" if failures == 0 else f"{failures} checks failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
