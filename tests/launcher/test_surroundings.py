"""What surrounds a start: variables that are set for other programs, and the way the script is called."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.cli import child_environ

ROOT = Path(__file__).resolve().parents[2]
SHELLS = ("start.sh", "start_backend.sh", "start_frontend.sh")
PATIENCE_S = 30
REAL_PYTHON = str(Path(sys.prefix) / "bin" / "python")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the fake tools are shell scripts")

OF_ANOTHER_PYTHON = {
    "PYTHONHOME": "/nowhere",
    "PYTHONPATH": "{shadow}",
    "PYTHONSAFEPATH": "1",
    "PYTHONSTARTUP": "/nowhere.py",
    "PYTHONWARNINGS": "error",
    "PYTHONOPTIMIZE": "2",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONINSPECT": "1",
    "PYTHONHASHSEED": "no number",
    "PYTHONUTF8": "5",
    "PYTHONIOENCODING": "ascii",
    "PYTHONPLATLIBDIR": "nowhere",
    "PYTHONUSERBASE": "{shadow}",
    "__PYVENV_LAUNCHER__": "/nowhere",
    "VIRTUAL_ENV": "/nowhere",
    "CONDA_PREFIX": "/nowhere",
}


@pytest.fixture
def shadow(tmp_path):
    """A folder of modules that end whatever imports them."""
    folder = tmp_path / "sha dow * PYTHONHOME=no"
    folder.mkdir()
    for name in ("json", "sitecustomize", "argparse"):
        (folder / f"{name}.py").write_text("raise SystemExit('shadowed')\n")
    return folder


@pytest.mark.parametrize(
    ("script", "names"),
    [*(("start.sh", [name]) for name in OF_ANOTHER_PYTHON), *((s, OF_ANOTHER_PYTHON) for s in SHELLS)],
)
def test_variables_of_another_python_do_not_count(start, checkout, shadow, script, names):
    process = start(script, "--setup-only", **{name: OF_ANOTHER_PYTHON[name].format(shadow=shadow) for name in names})
    output, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, errors) == (0, "")
    assert "Set-up is complete." in output


def test_nothing_of_another_python_reaches_the_children(shadow):
    kept = child_environ({**OF_ANOTHER_PYTHON, "NODE_ENV": "production", "PATH": "/bin"})
    ours = {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", "PYTHONNOUSERSITE": "1"}
    names = {name for name in kept if name.startswith(("PYTHON", "__PY", "VIRTUAL", "NODE"))}
    assert {name: kept[name] for name in names} == ours
    assert kept["PATH"] == "/bin"


def test_the_tests_drop_them_too(shadow):
    rest = next(line for line in (ROOT / "test.sh").read_text().splitlines() if line.startswith("unset "))
    dropped = {**{name: "x" for name in OF_ANOTHER_PYTHON if name != "CONDA_PREFIX"}, "NODE_ENV": "production"}
    script = f"set -u; {rest}; env"
    answer = subprocess.run(
        ["bash", "-c", script], env={"PATH": os.environ["PATH"], **dropped}, cwd=ROOT, capture_output=True, text=True,
        check=True, timeout=PATIENCE_S,
    )  # fmt: skip
    assert not set(dropped) & {line.split("=")[0] for line in answer.stdout.splitlines()}


@pytest.mark.parametrize("name", ["start", "start_backend", "start_frontend"])
def test_windows_scripts_drop_them_before_they_look_for_a_python(name):
    lines = (ROOT / f"{name}.bat").read_text().splitlines()
    dropping = lines.index('for /f "delims==" %%V in (\'set PYTHON 2^>nul\') do set "%%V="')
    assert dropping < min(number for number, line in enumerate(lines) if '-c "import sys"' in line)


@pytest.fixture
def linked(checkout, tmp_path):
    """Links to a script: absolute, relative, a chain of both, and through a linked folder."""

    def links(script: str) -> list[Path]:
        (tmp_path / "bin" / "deep").mkdir(parents=True)
        absolute, relative, chain = (tmp_path / "bin" / name for name in ("absolute", "rela tive", "deep/chain"))
        absolute.symlink_to(checkout.root / script)
        relative.symlink_to(Path("..") / checkout.root.name / script)
        chain.symlink_to(Path("../rela tive"))
        (tmp_path / "folder").symlink_to(checkout.root)
        return [absolute, relative, chain, tmp_path / "folder" / script]

    return links


@pytest.mark.parametrize("script", SHELLS)
def test_a_script_may_be_called_through_links(start, checkout, linked, tmp_path, script):
    start(script, "--help").communicate(timeout=PATIENCE_S)  # puts it there
    for link in linked(script):
        for called, cwd in ((link, "/"), (f"./{link.name}", link.parent)):
            environ = {"PATH": "/usr/bin:/bin", "ZIMAGE_PYTHON": REAL_PYTHON, "CDPATH": "/usr"}
            answer = subprocess.run(
                [called, "--help"], cwd=cwd, env=environ, capture_output=True, text=True, timeout=PATIENCE_S
            )
            assert (answer.returncode, answer.stderr) == (0, "")
            assert "--setup-only" in answer.stdout


def test_the_tests_may_be_called_through_links(checkout, linked):
    preamble = (ROOT / "test.sh").read_text().split("STAGE_LIMIT_S=")[0]
    (checkout.root / "test.sh").write_text(f"{preamble}\npwd\n")
    (checkout.root / "test.sh").chmod(0o755)
    for link in linked("test.sh"):
        answer = subprocess.run(
            [link], cwd="/", capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"}
        )
        assert Path(answer.stdout.strip()) == checkout.root
