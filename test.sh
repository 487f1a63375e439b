#!/usr/bin/env bash
# Runs every check and test, from a fresh clone on: set-up, ruff, mypy, pytest, shellcheck, eslint, vitest, build,
# and the browser tests in a real Chromium. Needs Python, Node and, for a missing Chromium, the right to apt-get.
# Goes on after a failed stage, so that one run shows everything; the exit code is that of the whole.
set -uo pipefail
self=${BASH_SOURCE[0]}
while [ -L "$self" ]; do # this script may be called through links
    target=$(readlink "$self") || exit 1
    case $target in
        /*) self=$target ;;
        *) self=$(dirname -- "$self")/$target ;;
    esac
done
CDPATH='' cd -P -- "$(dirname -- "$self")" || exit 1

STAGE_LIMIT_S=${STAGE_LIMIT_S:-900}
readonly STAGE_LIMIT_S
# What is set for another Python, or for Node's programs in operation, would lead the tests astray.
unset "${!PYTHON@}" __PYVENV_LAUNCHER__ VIRTUAL_ENV NODE_ENV PYTEST_ADDOPTS
export HF_HUB_OFFLINE=1 PYTHONUTF8=1 PYTHONNOUSERSITE=1
# Settings of a Z-Image that runs on this machine are none of the tests' business; those of the set-up are.
for name in "${!ZIMAGE_@}"; do
    case $name in
        ZIMAGE_PYTHON | ZIMAGE_TORCH | ZIMAGE_TORCH_INDEX) ;;
        *) unset "$name" ;;
    esac
done

summary=()
failures=0

stage() { # stage NAME COMMAND…
    local name=$1 started=$SECONDS code=0
    shift
    printf '\n=== %s ===\n' "$name"
    ${limit[@]+"${limit[@]}"} "$@" || code=$?
    record "$name" "$code" $((SECONDS - started))
    return "$code"
}

record() { # record NAME CODE SECONDS
    local verdict=ok
    if [ "$2" -ne 0 ]; then
        verdict="FAILED ($2)"
        failures=$((failures + 1))
    fi
    summary+=("$(printf '%-28s %-14s %5d s' "$1" "$verdict" "$3")")
}

finish() {
    printf '\n=== Summary ===\n'
    printf '%s\n' "${summary[@]}"
    printf '%-28s %-14s %5d s\n' total "$failures failed" "$SECONDS"
    exit $((failures > 0))
}

limit=()
if command -v timeout >/dev/null; then
    limit=(timeout --kill-after=15 "$STAGE_LIMIT_S")
fi

apt_install() { # apt_install PACKAGE…; fails where that is not possible or not allowed
    command -v apt-get >/dev/null || return 1
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        sudo -n true 2>/dev/null || return 1
        as_root=(sudo -n)
    fi
    "${as_root[@]}" apt-get update -qq &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

find_chromium() {
    local name
    for name in "${CHROMIUM_PATH:-}" chromium chromium-browser google-chrome; do
        if [ -n "$name" ] && command -v "$name"; then
            return 0
        fi
    done
    return 1
}

find_chinese_font() {
    command -v fc-list >/dev/null && [ -n "$(fc-list :lang=zh family)" ]
}

prepare_browser() {
    local wanted=()
    find_chromium >/dev/null || wanted+=(chromium)
    find_chinese_font || wanted+=(fontconfig fonts-noto-cjk)
    if [ ${#wanted[@]} -gt 0 ]; then
        printf '\n=== Installing %s ===\n' "${wanted[*]}"
        apt_install "${wanted[@]}"
    fi
    find_chromium >/dev/null
}

python3 -c 'import ensurepip' 2>/dev/null || apt_install python3-venv
stage 'set-up: Python' ./start_backend.sh --setup-only --with-test-tools || finish
stage 'set-up: Node' ./start_frontend.sh --setup-only || finish

python=$PWD/.venv/bin/python
stage 'ruff format' "$python" -m ruff format --check .
stage 'ruff' "$python" -m ruff check .
stage 'mypy' "$python" -m mypy
stage 'shellcheck' .venv/bin/shellcheck -x start.sh start_backend.sh start_frontend.sh test.sh .ci/run
# The tests speak with this machine only, and their client refuses to start with a SOCKS proxy around.
no_proxies=(env)
for name in all_proxy http_proxy https_proxy ALL_PROXY HTTP_PROXY HTTPS_PROXY; do no_proxies+=(-u "$name"); done
# Processes share the files out, so that an application of a test module is built once; tests/conftest.py orders them.
share=(--numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder)
pytest=("${no_proxies[@]}" "$python" -m pytest -q --durations=5 "${share[@]}")
stage 'pytest: the model' "${pytest[@]}" tests/zimage tests/training
stage 'pytest: the application' "${pytest[@]}" tests --ignore=tests/zimage --ignore=tests/training
stage 'eslint' npm --prefix frontend run --silent lint
stage 'vitest' npm --prefix frontend run --silent test
stage 'build' ./start.sh --setup-only

if prepare_browser; then
    CHROMIUM_PATH=$(find_chromium) ZIMAGE_PYTHON=$python stage 'browser tests' npm --prefix frontend run --silent e2e
else
    printf '\n%s\n' '!!! THE BROWSER TESTS WERE LEFT OUT: no Chromium is here and it could not be installed.' \
        '!!! Install Debian'"'"'s package "chromium", or name a Chromium in CHROMIUM_PATH, and run this again.'
    summary+=("$(printf '%-28s %s' 'browser tests' 'LEFT OUT')")
fi
finish
