#!/bin/sh
# Brings uv (into .uv, unless the machine has it) and the locked environment (into .venv).
set -eu
cd "$(dirname "$0")/.."

uv=$(command -v uv || echo .uv/bin/uv)
if ! [ -x "$uv" ]; then
    # under pyenv, `python3` may be a shim that refuses the version in .python-version
    for python in python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if "$python" -m venv .uv 2>/dev/null && .uv/bin/python -m pip install --quiet --disable-pip-version-check uv; then
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

# The version we develop with where there is one, else any that the hub runs on. pyenv's are looked
# for by name too: its shims hide all but the version that is chosen at the moment.
pinned=$(tr -d '[:space:]' <.python-version)
pyenv=${PYENV_ROOT:-$HOME/.pyenv}/versions
find_python() {
    "$uv" python find --system --no-project "$pinned" 2>/dev/null && return
    ls -d "$pyenv/$pinned"*/bin/python 2>/dev/null | tail -n 1 | grep . && return
    "$uv" python find --system --no-project '>=3.12' 2>/dev/null && return
    ls -d "$pyenv"/3.1[2-9]*/bin/python 2>/dev/null | tail -n 1 | grep . && return
    echo "$pinned" # which uv then downloads, where it may
}
# compiled now, once: where Python may not write bytecode, each start would compile it all again
exec env -u VIRTUAL_ENV "$uv" sync --locked --quiet --compile-bytecode --python "$(find_python)"
