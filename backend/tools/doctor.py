"""What is wrong with this machine for Z-Image, and what helps. `zimage doctor` shows it."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import psutil
from pydantic import ValidationError

from backend.models.config import Settings
from backend.models.setting_faults import describe_faults
from backend.server import PortTaken, bind
from backend.services.generation.engines.hardware import detect_hardware
from backend.services.library.annotators import Annotators
from backend.services.library.catalogue import Catalogue
from backend.services.library.loras.architectures import Architectures
from backend.services.library.loras.catalogue import LoraCatalogue
from backend.services.library.loras.folders import home_of
from backend.services.library.model_entry import AUTO
from backend.utils.nearest_folder import nearest_folder
from backend.utils.texts import escaped

NEWEST_PYTHON = (3, 13)
GIB = 2**30
LITTLE_MEMORY_GIB = 3.0
"""Of free memory: torch and the embedded model need less."""
LITTLE_DISK_GIB = 5.0
LOOK_S = 3.0

State = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """Result of a check."""

    check: str
    state: State
    message: str
    help: str = ""


Check = Callable[[Settings], Iterator[Finding]]


def examine_machine(settings: Settings | None = None) -> list[Finding]:
    """Runs all checks; one that cannot be run is a problem by itself."""
    if settings is None:
        try:
            settings = Settings()
        except ValidationError as error:
            return [
                Finding(
                    "settings", "problem", describe_faults(error), "Mend the variables ZIMAGE_… of the environment."
                )
            ]
    findings = [Finding("settings", "ok", f"The data folder is {settings.data_dir}.")]
    for name, check in CHECKS.items():
        try:
            findings += check(settings)
        except Exception as error:  # noqa: BLE001 — the others are still worth knowing
            findings.append(Finding(name, "problem", f"This could not be looked at: {type(error).__name__}: {error}"))
    return findings


def check_python(_settings: Settings) -> Iterator[Finding]:
    """Newer Pythons than those that are tested have no torch yet, most of the time."""
    if sys.version_info[:2] > NEWEST_PYTHON:
        yield Finding("python", "note", "Z-Image is tested with Python 3.11 to 3.13; this is a newer one.")


def check_torch(_settings: Settings) -> Iterator[Finding]:
    """Whether torch is here, and its build the one for the card."""
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        yield Finding("torch", "problem", "torch is not installed.", "./start.sh --setup-only installs it.")
        return
    if version.endswith("+cpu") and shutil.which("nvidia-smi"):
        yield Finding(
            "torch", "problem", f"torch {version} is the build for the processor, and there is an NVIDIA driver.",
            "./start.sh --torch cuda --setup-only installs the other one.",
        )  # fmt: skip
    else:
        yield Finding("torch", "ok", f"torch {version}.")


def check_device(settings: Settings) -> Iterator[Finding]:
    """What would draw, and whether the settings name what is here."""
    hardware = detect_hardware()
    names = [card.device for card in hardware.accelerators]
    missing = [name for name in settings.devices or () if name not in ("auto", "cpu", "cuda") and name not in names]
    if missing:
        yield Finding(
            "device", "problem", f"ZIMAGE_DEVICES names {', '.join(missing)}, which is not here; there is "
            f"{', '.join([*names, 'cpu'])}.", "Name others, or none.",
        )  # fmt: skip
    elif names:
        cards = ", ".join(f"{card.device} with {card.memory_bytes / GIB:.0f} GiB" for card in hardware.accelerators)
        yield Finding("device", "ok", f"{cards}.")
    else:
        bf16 = "with" if hardware.cpu_has_bf16 else "without"
        yield Finding(
            "device", "note", f"No card that torch can use: images are drawn on the processor, {bf16} bfloat16.",
            "With an NVIDIA card: nvidia-smi must list it.",
        )  # fmt: skip


def check_memory(_settings: Settings) -> Iterator[Finding]:
    """Free main memory."""
    memory = psutil.virtual_memory()
    text = f"{memory.available / GIB:.1f} of {memory.total / GIB:.1f} GiB are free."
    if memory.available < LITTLE_MEMORY_GIB * GIB:
        yield Finding("memory", "note", text, "Close other programs; large models will not fit.")
    else:
        yield Finding("memory", "ok", text)


def check_disk(settings: Settings) -> Iterator[Finding]:
    """Free space, and the right to write."""
    folder = nearest_folder(settings.data_dir)
    free = shutil.disk_usage(folder).free
    text = f"{free / GIB:.1f} GiB are free in {settings.data_dir}."
    if not os.access(folder, os.W_OK):
        yield Finding(
            "disk", "problem", f"{folder} may not be written by you.",
            "Give it to yourself, or choose another folder with ZIMAGE_DATA_DIR.",
        )  # fmt: skip
    elif free < settings.min_free_disk_mb * 2**20:
        yield Finding("disk", "problem", f"{text} No task is accepted.", "Free some space, or empty the trash.")
    elif free < LITTLE_DISK_GIB * GIB:
        yield Finding("disk", "note", text, "Free some space soon.")
    else:
        yield Finding("disk", "ok", text)


def check_models(settings: Settings) -> Iterator[Finding]:
    """What is installed, and what is there in parts."""
    catalogue = Catalogue(settings)
    models = catalogue.models()
    for model in models:
        if model.note and not model.installed:
            yield Finding("models", "note", f"{model.id}: {model.note}", "Its download goes on where it stopped.")
    for file in catalogue.weight_files():
        if file.fault:
            yield Finding("models", "note", f"{file.name} is of no use: {file.fault}")
    installed = [model for model in models if model.installed]
    download = "zimage models download z-image-turbo downloads Turbo."
    if not installed:
        yield Finding("models", "problem", "No model is installed.", download)
    elif all(model.demo for model in installed):
        yield Finding("models", "note", f"Only the demo, {installed[0].id}, is installed.", download)
    else:
        yield Finding("models", "ok", f"{', '.join(model.id for model in installed)}.")


def check_loras(settings: Settings) -> Iterator[Finding]:
    """Where LoRAs are looked for, and which cannot be read."""
    catalogue = LoraCatalogue(settings)
    architecture = Architectures().of(Catalogue(settings).files_of(AUTO))
    for folder in catalogue.folders():
        if folder.fault:
            yield Finding("loras", "note", folder.fault, "Mend what ZIMAGE_LORAS_DIR or ZIMAGE_MODELS_DIR names.")
    loras = catalogue.read_all(architecture)
    for lora in loras:
        if lora.problem:
            yield Finding("loras", "note", f"{escaped(lora.file.name)} cannot be used: {lora.problem}")
    folders = ", ".join(str(folder.root) for folder in catalogue.folders() if folder.root.is_dir())
    yield Finding("loras", "ok", f"{len(loras)} in {folders or 'no folder'}; yours go into {home_of(settings)}.")


def check_annotators(settings: Settings) -> Iterator[Finding]:
    """What makes control images of depth and of people, where there is anything."""
    annotators = Annotators(settings)
    for folder in annotators.look():
        if folder.fault:
            yield Finding("annotators", "note", f"{escaped(folder.name)} cannot be used: {escaped(folder.fault)}")
    kinds = sorted(annotators.kinds())
    for kind in kinds:
        yield Finding("annotators", "ok", f"{kind}: {escaped(annotators.remark(kind)[1])}")
    if not kinds:
        home = settings.annotators_dir
        yield Finding("annotators", "ok", f"None, which control images of depth or poses need; yours go into {home}.")


def check_ports(settings: Settings) -> Iterator[Finding]:
    """Whether a server could listen, or does."""
    for port, option in ((settings.port, "--port"), (settings.web_port, "--web-port")):
        try:
            bind(settings.host, port, option).close()
        except PortTaken as error:
            if _is_ours(settings, port):
                yield Finding("ports", "ok", f"A Z-Image runs on port {port}.")
            else:
                text = str(error)
                yield Finding("ports", "problem", text[:1].upper() + text[1:])
        else:
            yield Finding("ports", "ok", f"Port {port} is free.")


def check_token(settings: Settings) -> Iterator[Finding]:
    """Who gets in. Settings that let everybody in are refused before, but for one."""
    if settings.tokens:
        yield Finding("access", "ok", f"A server of these settings asks for one of {len(settings.tokens)} tokens.")
    elif settings.insecure:
        yield Finding("access", "note", "ZIMAGE_INSECURE lets everybody in.", "Set ZIMAGE_API_TOKEN instead.")
    else:
        yield Finding("access", "ok", "No token is set; only this machine is let in.")


CHECKS: dict[str, Check] = {
    "python": check_python,
    "torch": check_torch,
    "device": check_device,
    "memory": check_memory,
    "disk": check_disk,
    "models": check_models,
    "loras": check_loras,
    "annotators": check_annotators,
    "ports": check_ports,
    "access": check_token,
}


def _is_ours(settings: Settings, port: int) -> bool:
    """Tells whether a Z-Image answers; on the loopback no proxy stands between."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{host}:{port}{settings.root_path}/health", timeout=LOOK_S) as answer:
            return b"Z-Image" in answer.read(1000)
    except urllib.error.HTTPError as error:
        return b"Z-Image" in error.read(1000)
    except (OSError, ValueError):
        return False
