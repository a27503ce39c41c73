# Daybook's commands. `make` lists them. All paths are relative, so the name of the checkout's folder may have spaces.
PYTHON := .venv/bin/python
DAYBOOK := .venv/bin/daybook
PREFECT := $(PYTHON) -m prefect --no-prompt
INSTALL := sh deployments/local/install.sh

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo stop deploy verify-redshift test test-fast test-all test-prefect bench lint check docs lock

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1 \2/p' Makefile | while read -r name what; do printf '  make %-15s %s\n' "$$name" "$$what"; done

demo: ## start the local stack, load nps through its worker, show the result
	@started=$$(date +%s) && $(INSTALL) && $(DAYBOOK) demo --started "$$started"

stop: ## stop everything that `make demo` started; the data stays in .daybook/
	@$(INSTALL) && $(DAYBOOK) stack down

# `daybook blocks` exits with 2 if no variable for a block is set. Existing blocks stay: they may come from the UI.
# An existing work pool is not changed either, because someone may have chosen its type and its job template.
deploy: ## create the blocks, work pool, deployments and automations on the Prefect server of PREFECT_API_URL
	@$(INSTALL)
	$(DAYBOOK) blocks || [ $$? = 2 ]
	@$(PREFECT) work-pool inspect daybook >/dev/null 2>&1 || $(PREFECT) work-pool create daybook --type process
	$(PREFECT) deploy --all
	$(DAYBOOK) automations
	@$(PYTHON) -m deployments.scheduled

verify-redshift: ## check that the Redshift of DAYBOOK_WAREHOUSE_URL behaves as Daybook expects, and print a report
	@$(INSTALL)
	@$(DAYBOOK) verify-redshift $(VERIFY)

# The tests start hundreds of processes, which start faster with compiled modules.
unexport PYTHONDONTWRITEBYTECODE

test: ## run the tests against real servers, and install missing servers first
	@$(INSTALL) dev
	@$(INSTALL) dbt
	$(PYTHON) -m tests.support.servers.install
	-$(PYTHON) -m tests.support.servers.install_mysql
	$(PYTHON) -m pytest -q -n 4 --dist loadfile --no-loadscope-reorder

# Needs only Python: no database, no Prefect server, no other process. The web, Slack, mail, Google and Yahoo servers of
# these tests are threads of pytest's process. See tests/support/server_marker.py.
test-fast: ## run the tests that need no server, in less than a minute
	@$(INSTALL) dev
	$(PYTHON) -m pytest -q -n 3 -m "not servers and not full"

test-all: ## run every test, with all combinations instead of pairs, and with new random examples
	@$(INSTALL) dev
	@$(INSTALL) dbt
	$(PYTHON) -m tests.support.servers.install
	-$(PYTHON) -m tests.support.servers.install_mysql
	$(PYTHON) -m pytest -q -n 4 --dist loadfile --no-loadscope-reorder -m "" --hypothesis-profile=full

# Takes ten to twenty minutes for each of the two environments. ARGUMENTS="tests/flows -x" replaces the tests.
test-prefect: ## run the tests that touch Prefect with the oldest and the newest packages that pyproject.toml allows
	@$(INSTALL) dev
	@$(INSTALL) dbt
	ARGUMENTS="$(ARGUMENTS)" sh tests/support/prefect_versions.sh

bench: ## compare loads, the backfill and the audit with alternatives (short: ARGUMENTS=--quick)
	@$(INSTALL) dev
	$(PYTHON) -m benchmarks.full_refresh $(ARGUMENTS)
	$(PYTHON) -m benchmarks.one_day $(ARGUMENTS)
	$(PYTHON) -m benchmarks.many_tables $(ARGUMENTS)
	$(PYTHON) -m benchmarks.backfill $(ARGUMENTS)
	$(PYTHON) -m benchmarks.audit $(ARGUMENTS)

lint: ## check the style, the types and the imports between packages
	@$(INSTALL) dev
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports

check: lint test ## run lint and test

docs: ## regenerate the parts of docs/ that come from the code
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
