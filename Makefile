# Everything a newcomer needs: `make demo` and `make test` set themselves up.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
# Optional dependencies to install; `all` is what users may want, uvloop included.
EXTRAS ?= dev,all
MARKED = $(if $(MARK),-m "$(MARK)")
BIN := $(VENV)/bin
# The tests start hundreds of processes: without compiled files each of them compiles the package again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test slow thorough lint types unit format bench soak screenshots editor docs reference release clean

demo: $(VENV)/installed  ## play all vendors against the example integration
	@$(BIN)/python examples/demo.py

test: lint types unit  ## lint, types and tests

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -q -n 0 tests/test_house.py

types: $(VENV)/installed
	$(BIN)/mypy

# What fails beside other tests is tried once more, alone: a busy machine can be too slow for a time-out.
unit: $(VENV)/installed  ## TESTS="tests/core" runs some of them, MARK="slow" those with that mark
	$(BIN)/pytest $(MARKED) $(TESTS) || $(BIN)/pytest -n 0 --last-failed --last-failed-no-failures none $(MARKED) $(TESTS)

slow:  ## tests that make test leaves out: whole programs, browsers, searches; CI runs them
	$(MAKE) unit MARK="slow and not thorough"

thorough:  ## tests that make test and CI leave out: sweeps over everything of a kind
	$(MAKE) unit MARK=thorough

format: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/installed  ## measure beside the peers, which it fetches by npm; nothing is asserted
	$(BIN)/python benchmarks/run.py

soak: $(VENV)/installed  ## ten minutes of load
	$(BIN)/python benchmarks/run.py soak

screenshots: $(VENV)/installed  ## the workbench as the docs show it; needs a Chromium
	$(BIN)/python docs/images/screenshots.py

editor:  ## the editor component of the workbench, anew from the packages that .ci/editor/package-lock.json names
	npm ci --ignore-scripts --no-audit --no-fund --prefix .ci/editor
	node .ci/editor/build.mjs

docs: $(VENV)/docs  ## the documentation as a site, in site/; offline, once its packages are installed
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -c docs/site -d $(VENV)/doctrees . site
	@echo "open site/index.html"

reference: $(VENV)/installed  ## docs/reference, man pages and completion scripts, from the program
	$(BIN)/python docs/reference/write.py

# TAG=v1.2.3 demands that everything is in order for that tag. Has an environment of its own: nothing else needs its tools.
release:  ## build, check and try what is published, into dist/
	$(MAKE) .venv-release/installed VENV=.venv-release EXTRAS=release
	.venv-release/bin/python .ci/release.py $(if $(TAG),--tag $(TAG))

$(VENV)/installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "vendorsim needs Python 3.11 or newer; name it: make PYTHON=/path/to/python3"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

$(VENV)/docs: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	@touch $@

clean:
	rm -rf $(VENV) .venv-* dist build site .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
