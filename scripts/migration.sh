#!/bin/sh
# Writes a migration by comparing the models with a database of the migrations so far.
set -eu
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HUBBUB_ENVIRONMENT=local HUBBUB_DATA_DIR="$scratch"
unset HUBBUB_DATABASE_URL
.venv/bin/hubbub migrate
.venv/bin/alembic revision --autogenerate --message "$1"
.venv/bin/ruff format --quiet src/hubbub/migrations
