#!/bin/sh
# Brings uv (into .uv, unless the machine has it) and the locked environment (into .venv).
set -eu
cd "$(dirname "$0")/.."

uv=$(command -v uv || echo .uv/bin/uv)
if ! [ -x "$uv" ]; then
    # under pyenv, `python3` may be a shim that refuses the version in .python-version
    for python in python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if "$python" -m venv .uv 2>/dev/null && .uv/bin/python -m pip install --quiet uv; then
            break
        fi
        rm -rf .uv
    done
    if ! [ -x "$uv" ]; then
        echo "uv can't be installed: have a Python 3 with venv and pip, or install uv" \
            "(https://docs.astral.sh/uv)" >&2
        exit 1
    fi
fi

# the version we develop with where there is one, or any that the hub runs on
python=$(tr -d '[:space:]' <.python-version)
"$uv" python find "$python" >/dev/null 2>&1 || python='>=3.12'
exec env -u VIRTUAL_ENV "$uv" sync --locked --quiet --python "$python"
