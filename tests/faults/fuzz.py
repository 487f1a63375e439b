"""Any request that the description of the API allows, and many that it does not: no 5xx, no undocumented answer.

python -m tests.faults.fuzz --cases 2000
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, reject, seed
from hypothesis import settings as limits
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from backend.main import create_app
from backend.services.errors import DownloadFailed
from backend.services.library.downloads import Downloads
from backend.services.library.hub.client import Listing
from backend.services.library.variants.receipts import Receipts
from tests.backend.conftest import make_settings
from tests.backend.fakes import PLAIN_CPU, FakeEngine, a_picture, a_request

HOME = "http://localhost"
TOKENIZER = Path(__file__).resolve().parents[2] / "Z-Image" / "ckpts" / "zimage-nano" / "tokenizer"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


class NoHub:
    """Has nothing, and says so at once: no test asks the real one."""

    offline = False

    def list_files(self, repository: str, *_: object) -> Listing:
        raise DownloadFailed(f"{repository} is not here")

    def fetch(self, *_: object) -> None:
        raise DownloadFailed("nothing is here")


def fuzz(folder: Path, examples: int, *, random_seed: int = 1) -> Counter[str]:
    """Sends up to so many requests to each operation; returns how many went to which.

    Raises:
        Exception: schemathesis' report of an answer that is not as described.
    """
    settings = make_settings(folder).model_copy(update={"max_queued_tasks": 5})
    shutil.copytree(
        TOKENIZER, settings.base_dir / "Z-Image" / "ckpts" / "zimage-nano" / "tokenizer", dirs_exist_ok=True
    )
    app = create_app(settings, FakeEngine, lambda: PLAIN_CPU)
    sent: Counter[str] = Counter()
    with TestClient(app, base_url=HOME, raise_server_exceptions=False) as client:
        services = app.state.services
        downloads = Downloads(
            services.catalogue, folder / "fetched", NoHub(), lambda _: 10**12, Receipts(folder / "r.json")
        )
        app.state.services = services = replace(services, downloads=downloads)
        known = {
            "image_id": services.history.add(a_picture()).id,
            "task_id": services.tasks.submit(a_request(num_inference_steps=1)),
            "name": "z-image-turbo",
        }
        schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
        for result in schema.get_all_operations():
            operation = result.ok()
            kinds = [operation.as_strategy(generation_mode=mode) for mode in schemathesis.GenerationMode]
            ids = {name: value for name, value in known.items() if f"{{{name}}}" in operation.path}
            if ids:  # those that exist are met by chance only
                kinds.append(operation.as_strategy(path_parameters=ids))
            for strategy in kinds:
                _run(strategy, client, examples, random_seed, sent, operation.label)
            services.tasks.draining = False
    return sent


def _run(strategy, client: TestClient, examples: int, random_seed: int, sent: Counter[str], label: str) -> None:
    @seed(random_seed)
    @limits(
        max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )  # fmt: skip
    @given(case=strategy)
    def run(case) -> None:
        sent[label] += 1
        case.validate_response(_send(client, case), checks=CHECKS)

    with contextlib.suppress(Unsatisfiable):  # an operation without parameters has no wrong ones
        run()


def _send(client: TestClient, case):
    """Sends a case in this process; what HTTP cannot carry is not sent."""
    wanted = case.as_transport_kwargs(base_url=HOME)
    names = ("method", "url", "params", "headers", "json", "data", "files", "cookies")
    try:
        prepared = requests.Request(**{name: wanted[name] for name in names if name in wanted}).prepare()
    except (requests.exceptions.RequestException, UnicodeError):
        reject()
    headers = {name: value for name, value in prepared.headers.items() if name.lower() != "content-length"}
    return client.request(prepared.method, prepared.url, headers=headers, content=prepared.body)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    sent: Counter[str] = Counter()
    number = options.seed
    while sent.total() < options.cases:
        with tempfile.TemporaryDirectory() as folder:
            sent += fuzz(Path(folder), 25, random_seed=number)
        number += 1
    print(f"{sent.total()} requests to {len(sent)} operations: every answer as described, none of them a 5xx")
    return 0


if __name__ == "__main__":
    sys.exit(main())
