# Everything a developer needs, on a machine that has Python and nothing else of ours.
# `make` alone lists the targets.

RUN := .venv/bin
# test processes at once; one more than two cores have, since tests also wait, for disks and servers
JOBS ?= 3

# every test of a start would compile the hub's own code again
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help serve test test-distributed test-openclaw check-openclaw check lint openapi-check format openapi migration bench clean sync

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

sync: ## bring the locked environment into .venv (the other targets do this themselves)
	@scripts/sync.sh

serve: sync ## start a hub; heeds HUBBUB_HOST, HUBBUB_PORT and HUBBUB_DATA_DIR
	@HUBBUB_ENVIRONMENT=$${HUBBUB_ENVIRONMENT:-local} exec $(RUN)/hubbub serve

test: sync ## run the tests on SQLite
	$(RUN)/pytest -q -n $(JOBS) --dist worksteal

test-distributed: sync ## run the tests on PostgreSQL and Valkey, which it starts itself
	$(RUN)/pytest -q -n $(JOBS) --dist worksteal --distributed

test-openclaw: sync ## run the tests that need a real OpenClaw gateway, which npm brings (0.9 GB)
	$(RUN)/pytest -q -m openclaw tests/e2e

check-openclaw: sync ## the part of check that pushes from a hub to a real OpenClaw gateway
	$(RUN)/pytest -q -m openclaw tests/e2e/openclaw/hub

check: lint openapi-check ## all that CI asks for: style, types, imports, sizes, tests on both databases
	@rm -f .coverage
	$(RUN)/pytest -q -n $(JOBS) --dist worksteal --distributed
	COVERAGE_CORE=sysmon $(RUN)/pytest -q -n $(JOBS) --dist worksteal --cov --cov-report=term
	@$(MAKE) --no-print-directory check-openclaw

lint: sync ## style, types, import contracts and file sizes
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/mypy src tests scripts bench
	$(RUN)/lint-imports
	$(RUN)/python scripts/check_sizes.py src/hubbub

openapi-check: sync ## fail when openapi.json is not the document of this code
	@$(RUN)/hubbub openapi | diff -u openapi.json - \
		|| { echo "openapi.json is not up to date: run \`make openapi\` and look at the difference"; exit 1; }

bench: sync ## measure, beside what it is compared with, on both databases
	$(RUN)/python -m bench.send
	$(RUN)/python -m bench.send --postgres
	$(RUN)/python -m bench.batch
	$(RUN)/python -m bench.batch --postgres
	$(RUN)/python -m bench.connections
	$(RUN)/python -m bench.connections --postgres
	$(RUN)/python -m bench.inbox
	$(RUN)/python -m bench.inbox --postgres
	$(RUN)/python -m bench.pushes
	$(RUN)/python -m bench.pushes --postgres
	$(RUN)/python -m bench.upload
	$(RUN)/python -m bench.export
	$(RUN)/python -m bench.export --postgres
	$(RUN)/python -m bench.whole
	$(RUN)/python -m bench.memory
	$(RUN)/python -m bench.reports
	$(RUN)/python -m bench.reports --postgres
	$(RUN)/python -m bench.fanout
	$(RUN)/python -m bench.fanout --postgres --idle 0

format: sync ## format the code, and mend what ruff can mend
	$(RUN)/ruff format .
	$(RUN)/ruff check --fix .

openapi: sync ## write openapi.json anew
	$(RUN)/hubbub openapi --output openapi.json

migration: sync ## write a migration for the changed models: make migration m="what changes"
	@test -n "$(m)" || { echo 'say what changes: make migration m="add rooms"'; exit 2; }
	scripts/migration.sh "$(m)"

clean: ## remove the environment and all caches; the data of a hub stays
	rm -rf .venv .uv .cache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis \
		.schemathesis .coverage .coverage.* htmlcov dist
	find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
