"""The library stands alone: it needs what its pyproject names, and knows neither diffusers nor the web."""

import json
import re
import subprocess
import sys
import tomllib

import pytest
import zimage

NEEDED = {  # the design's, and what formats and templates need
    "torch", "transformers", "safetensors", "loguru", "pillow", "accelerate", "huggingface_hub", "numpy",
    "gguf", "jinja2", "tokenizers",
}  # fmt: skip
FOREIGN = ("training", "diffusers", "fastapi", "starlette", "pydantic", "backend")

IMPORT_ALL = """
import importlib, json, pkgutil, sys
for name in {foreign!r}:
    sys.modules[name] = None  # importing it is now an ImportError
import zimage
names = [module.name for module in pkgutil.walk_packages(zimage.__path__, "zimage.", onerror=print)]
for name in names:
    importlib.import_module(name)
print(json.dumps(names))
"""


@pytest.fixture(scope="module")
def project(request):
    return tomllib.loads((request.config.rootpath / "Z-Image/pyproject.toml").read_text("utf-8"))["project"]


def test_the_dependencies_are_those_of_the_design(project):
    assert {re.split("[>=]", entry)[0] for entry in project["dependencies"]} == NEEDED


def test_the_tested_closure_pins_every_dependency(project, request):
    constraints = (request.config.rootpath / "constraints.txt").read_text("utf-8")
    pinned = {line.partition("==")[0].lower().replace("-", "_") for line in constraints.splitlines() if "==" in line}
    extras = project["optional-dependencies"].values()
    named = {
        re.split("[>=]", entry)[0].replace("-", "_")
        for entries in (project["dependencies"], *extras)
        for entry in entries
    }
    assert named - pinned == set()


@pytest.mark.slow
def test_every_module_imports_without_diffusers_and_the_web(request):
    script = IMPORT_ALL.format(foreign=FOREIGN)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=request.config.rootpath / "Z-Image" / "src", capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) >= 20
    assert done.stderr == ""


def test_every_exported_name_is_found_and_no_other():
    assert {name: getattr(zimage, name).__name__ for name in zimage.__all__} == {name: name for name in zimage.__all__}
    assert set(zimage.__all__) <= set(dir(zimage))
    with pytest.raises(AttributeError, match="Nonsense"):
        zimage.Nonsense  # noqa: B018
