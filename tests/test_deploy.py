"""The examples for operators: no engine runs here, so they are read closely instead."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import crossplane
import pytest
import yaml

from backend.models.config import Settings

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
NAMES = {f"ZIMAGE_{name.upper()}" for name in Settings.model_fields}


def read(name: str) -> str:
    return (DEPLOY / name).read_text("utf-8")


EXAMPLES = (
    "Dockerfile", "compose.yaml", "compose.cuda.yaml", "compose.ray.yaml", "kuberay.yaml", "zimage.service",
    "nginx.conf",
)  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_setting_that_is_named_exists(name):
    assert set(re.findall(r"ZIMAGE_[A-Z_]+", read(name))) <= NAMES


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", " ", read("Dockerfile"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


def test_the_image_is_built_in_stages_and_runs_as_nobody_special():
    found = instructions()
    words = [word for word, _ in found]
    assert words.count("FROM") == 3
    last = found[len(words) - words[::-1].index("FROM") :]
    [user] = [rest for word, rest in last if word == "USER"]
    assert all(int(number) >= 1000 for number in user.split(":"))
    assert {"HEALTHCHECK", "VOLUME", "EXPOSE", "ENTRYPOINT", "STOPSIGNAL"} <= {word for word, _ in last}
    assert not any("latest" in rest for word, rest in found if word == "FROM")


def test_everything_that_is_copied_is_there():
    for word, rest in instructions():
        if word == "COPY" and not rest.startswith("--from"):
            *sources, _target = rest.split()
            for source in sources:
                assert (ROOT / source).exists(), source
    kept = [line.removeprefix("!") for line in read("Dockerfile.dockerignore").splitlines() if line.startswith("!")]
    assert all((ROOT / path).exists() for path in kept)


def test_the_stages_that_are_copied_from_exist():
    text = read("Dockerfile")
    assert set(re.findall(r"--from=(\w+)", text)) <= set(re.findall(r" AS (\w+)", text))


def test_the_composition_keeps_data_and_drops_rights():
    [service] = yaml.safe_load(read("compose.yaml"))["services"].values()
    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert any(volume.endswith(":/data") for volume in service["volumes"])
    assert {"mem_limit", "pids_limit", "stop_grace_period"} <= set(service)


def test_the_composition_for_cards_changes_the_build_of_the_same_service():
    [plain], [cuda] = (yaml.safe_load(read(name))["services"].items() for name in ("compose.yaml", "compose.cuda.yaml"))
    assert plain[0] == cuda[0]
    assert all(f"ARG {name}=" in read("Dockerfile") for name in cuda[1]["build"]["args"])
    [device] = cuda[1]["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]


def test_the_linter_of_dockerfiles_has_nothing_to_say():
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, "--no-color", DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_unit_stops_within_its_time_and_writes_only_its_data():
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read_string(read("zimage.service"))
    service = unit["Service"]
    assert int(service["TimeoutStopSec"]) > 10
    assert (service["ProtectSystem"], service["NoNewPrivileges"], service["User"]) == ("strict", "yes", "zimage")
    assert service["ExecStart"].endswith("-m backend")
    assert "[Install]" in read("zimage.service")


def test_the_proxy_lets_events_and_uploads_through():
    text = read("nginx.conf")
    parsed = crossplane.parse(str(DEPLOY / "nginx.conf"), check_ctx=False)  # directives and the number of their words
    assert (parsed["status"], parsed["errors"]) == ("ok", [])
    assert "proxy_buffering off;" in text
    assert f"client_max_body_size {Settings().max_lora_mb + 1}m;" in text
    assert "http://localhost:15001" in Settings().cors_origins
    assert "proxy_set_header X-Forwarded-Proto $scheme;" in text  # or a cookie would not be kept from http


def ray_version() -> str:
    [line] = [line for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if line.startswith("ray==")]
    return line.partition("==")[2]


def test_ray_is_an_extra_and_no_requirement():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert [name for name in project["optional-dependencies"]["ray"] if name.startswith("ray>=")]
    assert not re.search(r"^ray\b", (ROOT / "backend/requirements.txt").read_text("utf-8"), re.MULTILINE)


def test_the_composition_of_a_cluster_keeps_ray_s_ports_inside():
    composition = yaml.safe_load(read("compose.ray.yaml"))
    queue, *workers = composition["services"].values()
    assert len(workers) == 2
    assert {worker["deploy"]["resources"]["reservations"]["devices"][0]["device_ids"][0] for worker in workers} == {
        worker["environment"]["NVIDIA_VISIBLE_DEVICES"] for worker in workers
    }
    assert all(port.startswith("127.0.0.1:1500") for port in queue["ports"])
    assert composition["networks"]["ray"] == {"internal": True}
    for worker in workers:
        assert worker["networks"] == ["ray"]
        assert "ports" not in worker
        assert "--address=zimage:6379" in worker["entrypoint"]
    for service in (queue, *workers):
        assert service["cap_drop"] == ["ALL"]
        assert {"mem_limit", "pids_limit", "shm_size", "stop_grace_period"} <= set(service)
        assert all(f"ARG {name}=" in read("Dockerfile") for name in service["build"]["args"])
    assert "--num-gpus=0" in queue["entrypoint"][-1]
    assert queue["environment"]["ZIMAGE_EXECUTOR"] == "ray"


def test_the_cluster_on_kubernetes_draws_on_cards_and_lets_nobody_at_ray():
    found = {document["kind"]: document for document in yaml.safe_load_all(read("kuberay.yaml"))}
    claims = [d["metadata"]["name"] for d in yaml.safe_load_all(read("kuberay.yaml")) if "Claim" in d["kind"]]
    cluster = found["RayCluster"]["spec"]
    head, [group] = cluster["headGroupSpec"], cluster["workerGroupSpecs"]
    assert cluster["rayVersion"] == ray_version()
    assert (head["rayStartParams"]["num-cpus"], head["rayStartParams"]["num-gpus"]) == ("0", "0")
    pods = [head["template"], group["template"]]
    for pod in pods:
        [container] = pod["spec"]["containers"]
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert "KUBERAY_GEN_RAY_START_CMD" in container["args"][0]
        used = [volume["persistentVolumeClaim"]["claimName"] for volume in pod["spec"]["volumes"]]
        assert set(used) <= set(claims)
        assert {mount["name"] for mount in container["volumeMounts"]} == {v["name"] for v in pod["spec"]["volumes"]}
    assert group["template"]["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    [own, public] = found["NetworkPolicy"]["spec"]["ingress"]
    assert own["from"] == [{"podSelector": {"matchLabels": pods[0]["metadata"]["labels"]}}]
    assert {port["port"] for port in public["ports"]} == {15000, 15001}
    assert {port["port"] for port in found["Service"]["spec"]["ports"]} == {15000, 15001}
    assert "from" not in public
