# MangaAssist: `make help` says what there is. Everything is installed into .venv, nothing outside this folder.

PYTHON_CANDIDATES = $(PYTHON) python3.12 python3.11 python3 python3.14 python3.13
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --no-input --disable-pip-version-check
COMPILE := $(BIN)/pip-compile --quiet --strip-extras --no-header --annotation-style=line --allow-unsafe \
	--no-emit-options

# What builds and checks the widget; running and testing need none of it.
WIDGET_TOOLS := widget/node_modules/.package-lock.json

.DEFAULT_GOAL := help
.PHONY: help run test test-postgres chaos check audit widget bench peers venv dev-venv requirements clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

run: venv ## the whole shop at http://127.0.0.1:8000/ (HOST, PORT, DATA_DIR, DEMO=0); Ctrl-C stops it
	@exec $(BIN)/python -m mangaassist.supervisor

test: venv ## the whole test suite; browser tests when Chromium is found (BROWSER_TESTS=required: must run; DEPLOY_TESTS the same)
	@if [ "$$BROWSER_TESTS" = required ] || command -v chromium >/dev/null || command -v google-chrome >/dev/null; then \
		$(MAKE) --no-print-directory dev-venv; fi
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --reruns 2 --reruns-delay 2 $(ARGS)

test-postgres: venv ## the same on a PostgreSQL of its own (its programs must be installed), without the browser tests
	$(BIN)/python -m tests.mangaassist.postgres -n 2 --dist loadfile --no-loadscope-reorder --reruns 2 --reruns-delay 2 -m "not browser" $(ARGS)

chaos: venv ## every test of docs/faults.md, the random kills for long (CHAOS_ROUNDS=10)
	CHAOS_ROUNDS=$${CHAOS_ROUNDS:-10} $(BIN)/python -m pytest -m chaos $(ARGS)

check: dev-venv $(WIDGET_TOOLS) ## lint, format, types, import directions, bandit, Django's own checks, missing migrations, the widget, the AWS template
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports --no-cache
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml .
	$(BIN)/python manage.py check --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/cfn-lint deploy/aws/template.yaml
	cd widget && npm run --silent check && npm run --silent test

widget: $(WIDGET_TOOLS) ## build static/widget/v1 from widget/ (needs node and npm; the built files are committed)
	cd widget && npm run --silent build

audit: dev-venv ## what is known of the pinned packages' faults (asks osv.dev and npm's registry)
	$(BIN)/python .ci/audit.py

bench: dev-venv peers ## the benchmarks; writes docs/benchmarks.md
	$(BIN)/python -m bench

peers: ## what the benchmarks compare with and does not fit beside us, into .venv-peers
	@cmp -s bench/peers.txt .venv-peers/peers.installed || { \
		$(find_python); rm -rf .venv-peers; "$$python" -m venv .venv-peers && \
		.venv-peers/bin/python -m pip install --no-input --disable-pip-version-check --no-cache-dir -q -r bench/peers.txt && \
		cp bench/peers.txt .venv-peers/peers.installed; }

requirements: venv ## compile pyproject.toml into the pinned requirements files
	$(PIP) install --no-cache-dir --quiet pip-tools
	$(COMPILE) --extra=sqs --output-file=deploy/requirements.txt pyproject.toml
	$(COMPILE) --extra=test --output-file=requirements.txt pyproject.toml
	$(COMPILE) --extra=test --extra=dev --constraint=requirements.txt --output-file=requirements-dev.txt pyproject.toml

clean: ## remove .venv and the caches (DATA_DIR stays)
	rm -rf $(VENV) .venv-peers widget/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# The virtual environment. A stamp (a copy of the file it was installed from) tells whether pip has work to do, so
# that a second start needs no network.

venv:
	@$(BIN)/python -c "" 2>/dev/null || { $(find_python); \
		echo "Creating $(VENV) with $$("$$python" --version) …"; rm -rf $(VENV); \
		"$$python" -m venv $(VENV) || { rm -rf $(VENV); \
			echo "Python cannot make a virtual environment: install its venv package (Debian: python3-venv)." >&2; \
			exit 1; }; }
	@$(call install,requirements.txt,requirements)

$(WIDGET_TOOLS): widget/package-lock.json
	@command -v npm >/dev/null || { echo "The widget's checks need node 18.19 or newer and npm: install them." >&2; exit 1; }
	cd widget && npm ci --silent
	@touch $@

dev-venv: venv
	@$(call install,requirements-dev.txt,requirements-dev)

define find_python
python=; for candidate in $(PYTHON_CANDIDATES); do \
	if "$$candidate" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		python=$$candidate; break; fi; done; \
if [ -z "$$python" ]; then \
	echo "MangaAssist needs Python 3.11 or newer with its venv module: install python3.11 (or set PYTHON=…)." >&2; exit 1; fi
endef

define install
cmp -s $(1) $(VENV)/$(2).installed || { \
	echo "Installing $(1) into $(VENV) (a few minutes the first time) …"; \
	PYTHONUNBUFFERED=1 $(PIP) install --no-cache-dir --progress-bar on -r $(1) \
	&& cp $(1) $(VENV)/$(2).installed; }
endef
