# Two commands: `make demo` shows the program at work, `make test` tests it. Both make the environment
# (.venv) first where it is missing or older than the locks or pyproject.toml; the demo needs a small part of it.

# Any Python from 3.10 on for which requirements.lock has been tried. Choose one by PYTHON=...
FITS := import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.10 python3; do \
	$$python -c '$(FITS)' >/dev/null 2>&1 && { echo $$python; break; }; done)

BIN := .venv/bin
SMALL := .venv/.runs
STAMP := .venv/.complete
PIP := $(BIN)/python -m pip --disable-pip-version-check

DEMO_TEXT := Good evening. This face is a single photograph, and a small synthesiser lends it a voice. \
	Give it your own recording, and it will speak as you do.

.PHONY: help install demo test coverage lint docs imports compatibility format wheel clean distclean
.DEFAULT_GOAL := help

help:  ## Show this list.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP)  ## Make the environment: .venv, with the program in .venv/bin.

demo: $(SMALL) out/astronaut.png  ## Animate a portrait with a spoken sentence: out/demo.mp4.
	@$(BIN)/rhapsode animate --portrait out/astronaut.png --text "$(DEMO_TEXT)" --out out/demo.mp4

test: $(STAMP)  ## Run the tests, quick ones first; a part of them by PYTEST="tests/motion -m 'not slow'".
	$(BIN)/python -m pytest $(PYTEST)

coverage: $(STAMP)  ## Run the tests, and show which lines they miss.
	$(BIN)/python -m pytest --cov --cov-report=term:skip-covered --cov-report=html:out/coverage

lint: $(STAMP)  ## Check format, style, types, and what may import what.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

docs: $(STAMP)  ## Build the documentation as a site: out/site/index.html.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

imports: $(STAMP)  ## Draw which package imports which, for docs/architecture.md.
	$(BIN)/python tools/import_graph.py docs/images/imports.svg

compatibility: $(STAMP)  ## Write docs/compatibility.md anew, from the tests in tests/inputs.
	$(BIN)/python tools/compatibility.py docs/compatibility.md

wheel: $(STAMP)  ## Build the wheel, and list what is in it.
	rm -rf dist
	$(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@$(BIN)/python -m zipfile --list dist/*.whl
	@ls -l dist

format: $(STAMP)  ## Format the code, and mend what can be mended by itself.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## Remove caches, builds and the demo.
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache out/demo.mp4 out/astronaut.png
	find src tests -name __pycache__ -prune -exec rm -rf {} +

distclean: clean  ## Remove the environment too.
	rm -rf .venv

# The portrait of the demo comes with scikit-image: NASA's picture of Eileen Collins, in the public domain.
out/astronaut.png: | $(SMALL)
	@mkdir -p out
	@$(BIN)/python -c "from PIL import Image; from rhapsode.tools.example import example_picture; \
		Image.fromarray(example_picture()).save('$@')"

# The locks alone decide what is installed: made anew, nothing chosen by pip, and the build backend pinned like
# the rest.
$(SMALL): requirements-demo.lock pyproject.toml
	@if [ -z "$(PYTHON)" ]; then \
		echo "rhapsode needs Python 3.10 to 3.13, and none was found: install one, or name it: make PYTHON=/path/to/python"; \
		exit 1; fi
	@$(PYTHON) -c '$(FITS)' || { echo "$(PYTHON) is not Python 3.10 to 3.13: name another by PYTHON=..."; exit 1; }
	@echo "Making the environment in .venv with $(PYTHON), once: about 0.7 GB"
	@$(PYTHON) -m venv --clear .venv || { echo "on Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PIP) install --no-deps --requirement requirements-demo.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# What learns, evaluates and tests. The one exception to the lock: on Linux, PyPI's build of torch wants NVIDIA's
# libraries and the CPU build does not, so torch's own needs are asked for in a step of their own, which does nothing
# for the CPU build.
$(STAMP): $(SMALL) requirements.lock
	@echo "Adding what learns, evaluates and tests: about 1.5 GB, a minute or more, once"
	$(PIP) install --no-deps --requirement requirements.lock
	$(PIP) install --constraint requirements.lock torch
	@touch $@
