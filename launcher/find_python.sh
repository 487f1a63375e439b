# Sourced by the start scripts: puts the first suitable Python into $python, or any Python, which then says what is wrong.
# shellcheck shell=sh

# What is set for another Python (PYTHONHOME, PYTHONPATH, PYTHONWARNINGS, …) would lead this one astray.
set -f
for word in $(export -p); do
    name=${word%%=*}
    case $name in
        *[!A-Z0-9_]*) ;;
        PYTHON?* | __PYVENV_LAUNCHER__) unset "$name" ;;
    esac
done
set +f
export PYTHONNOUSERSITE=1 PYTHONUTF8=1

python=
fallback=
for candidate in ${ZIMAGE_PYTHON:+"$ZIMAGE_PYTHON"} python3 python3.11 python3.12 python3.13 python; do
    version=$("$candidate" -c 'import sys; print(sys.version_info[0] * 100 + sys.version_info[1])' 2>/dev/null) || continue
    case $version in
        311 | 312 | 313) python=$candidate; break ;;
        3??) fallback=${fallback:-$candidate} ;;
    esac
done
python=${python:-$fallback}
if [ -z "$python" ]; then
    echo "[z-image] Z-Image needs Python 3.11, 3.12 or 3.13, and none was found. Install it and run this command again." >&2
    exit 3
fi
