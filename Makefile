# Everything sets itself up in .venv; all that is needed is Python 3.11 or later with pip.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
SOURCES := $(shell find bitext models/zh-en models/zh-en-fast models/quality corpora/termbase -type f -not -path '*/__pycache__/*')
DATA ?= ../shared/data

.PHONY: demo test check bench clean help

help:
	@echo "make demo    align, score and check the demo corpus, and compare with its gold"
	@echo "make test    run the tests against the installed package"
	@echo "make check   lint and types"
	@echo "make bench   figures and speed beside peers (DATA=folder, default $(DATA))"

demo: $(INSTALLED)
	@$(BIN)/python benchmarks/demo.py --html demo-output/report.html

test: $(INSTALLED)
	@$(BIN)/python -P -m pytest -q

check: $(INSTALLED)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(INSTALLED) .venv/peers
	@$(BIN)/python benchmarks/demo.py
	@$(BIN)/python benchmarks/embedding.py
	@$(BIN)/python benchmarks/segmentation.py $(DATA)/segmentation
	@$(BIN)/python benchmarks/quantities.py $(DATA)/terms
	@$(BIN)/python benchmarks/terminology.py $(DATA)/terms
	@$(BIN)/python benchmarks/alignment.py $(DATA)/align
	@$(BIN)/python benchmarks/alignment_speed.py $(DATA)/align/bible
	@$(BIN)/python benchmarks/quality.py $(DATA)/quality

# the package is installed as a wheel, not linked: what is tested is what people get
$(INSTALLED): .venv/ready pyproject.toml README.md $(SOURCES)
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --force-reinstall --no-deps .
	@touch $@

.venv/ready: constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "bitext needs Python 3.11 or later; set PYTHON=")'
	@$(PYTHON) -m venv .venv
	@# torch by itself first: asked for by another package, pip may choose a build with gigabytes of CUDA
	@$(BIN)/pip install --quiet --disable-pip-version-check torch==2.13.0
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt '.[dev]'
	@touch $@

.venv/peers: .venv/ready
	@$(BIN)/pip install --quiet --disable-pip-version-check '.[bench]'
	@touch $@

clean:
	@rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
