# Daybook's commands. `make` alone lists them. Paths are relative, so a folder with spaces in its name is fine.
PYTHON := .venv/bin/python
DAYBOOK := .venv/bin/daybook
PREFECT := $(PYTHON) -m prefect --no-prompt
INSTALL := sh deployments/local/install.sh

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo stop deploy test test-fast test-all bench lint check docs lock

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1 \2/p' Makefile | while read -r name what; do printf '  make %-9s %s\n' "$$name" "$$what"; done

demo: ## start everything on this machine, load nps through a worker, show the result
	@started=$$(date +%s) && $(INSTALL) && $(DAYBOOK) demo --started "$$started"

stop: ## stop everything that `make demo` started; the data stays in .daybook/
	@$(INSTALL) && $(DAYBOOK) stack down

# Without variables for blocks (exit code 2) those that are there stay: they may have been made in the UI.
# An existing work pool is left as it is, too: its type and its job template may have been chosen with care.
deploy: ## blocks, work pool, every deployment and automation, on the Prefect server of PREFECT_API_URL
	@$(INSTALL)
	$(DAYBOOK) blocks || [ $$? = 2 ]
	@$(PREFECT) work-pool inspect daybook >/dev/null 2>&1 || $(PREFECT) work-pool create daybook --type process
	$(PREFECT) deploy --all
	$(DAYBOOK) automations

# Compiled once, the project and its tests start faster in hundreds of processes.
unexport PYTHONDONTWRITEBYTECODE

test: ## run the tests against real servers, which it installs where it can
	@$(INSTALL) dev
	@$(INSTALL) dbt
	$(PYTHON) -m tests.support.servers.install
	$(PYTHON) -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder

# Nothing but Python: no database, no Prefect server, no other process. The web, Slack, mail, Google and Yahoo servers of
# these tests are threads of pytest's process. See tests/support/server_marker.py.
test-fast: ## run the tests that need no server, in less than a minute
	@$(INSTALL) dev
	$(PYTHON) -m pytest -q -n 3 -m "not servers and not full"

test-all: ## run every test, with all combinations of what `make test` combines by pairs, and with new random examples
	@$(INSTALL) dev
	@$(INSTALL) dbt
	$(PYTHON) -m tests.support.servers.install
	$(PYTHON) -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder -m "" --hypothesis-profile=full

bench: ## measure the nps load, the backfill and the audit against the alternatives
	@$(INSTALL) dev
	$(PYTHON) -m benchmarks.nps
	$(PYTHON) -m benchmarks.backfill
	$(PYTHON) -m benchmarks.audit

lint: ## style, types, and which package may import which
	@$(INSTALL) dev
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports

check: lint test ## lint and test

docs: ## update the parts of docs/ that are generated from the code
	@$(INSTALL) dev
	$(PYTHON) -m docs.generate

# For every platform, and for the oldest Python that Daybook supports.
COMPILE := $(PYTHON) -m uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate
lock: ## update requirements.txt, -dev.txt and -dbt.txt to the newest versions that pyproject.toml allows
	@$(INSTALL)
	$(COMPILE) --upgrade pyproject.toml --extra all -o requirements.txt
	$(COMPILE) --upgrade requirements-dev.in -o requirements-dev.txt
	cp requirements.txt requirements-dbt.txt # the same versions, except where dbt needs older ones
	$(COMPILE) pyproject.toml --extra all --extra dbt -o requirements-dbt.txt
