# Targets of dsrkit. `make` lists them.
SHELL := /bin/bash
PYTHON ?= python3
CARGO ?= cargo
VENV := .venv
PY := $(VENV)/bin/python
FEATURES := sandbox,blocking,testing,postgres
LINTED := dsrkit/sandbox,dsrkit/blocking,dsrkit/testing,dsrkit/postgres
# What tests may do and the libraries may not.
TESTS_MAY := $(addprefix -A clippy::,pedantic unwrap_used expect_used panic indexing_slicing)
# The tests and the demo use one build with quick settings; `pip install .` makes a release build.
PROFILE ?= dev
PREFIX ?= /usr/local

RUST_SOURCES := $(shell find core/src sandbox/src py/src ffi/src -name '*.rs' 2>/dev/null) Cargo.toml Cargo.lock core/Cargo.toml sandbox/Cargo.toml py/Cargo.toml ffi/Cargo.toml
PY_SOURCES := $(shell find py/python -name '*.py' -o -name '*.pyi' 2>/dev/null) pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help demo test test-rust test-python test-browser screenshots test-c lint demonstration bench bench-quick bench-instructions soak docs header install install-c wheel clean test-conformance

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

demo: $(VENV)/.installed ## run the main job on the simulated vendor; again: continue, or say that nothing is left
	$(PY) -m dsrkit demo --dir demo

test: test-rust test-c test-python test-browser test-conformance ## all tests of all surfaces

test-rust: ## the core and the simulated vendor, in Rust
	$(CARGO) test -p dsrkit -p dsrkit-sandbox -p formbox --features $(FEATURES) -- --show-output
	$(CARGO) check -p dsrkit --no-default-features

test-python: $(VENV)/.installed ## the Python module
	$(PY) -m pytest -q tests/python

test-browser: $(VENV)/.installed $(VENV)/.browser ## packages in a real browser (chromium): accessible, offline, on every screen
	$(PY) -m pytest -q tests/browser

test-conformance: $(VENV)/.installed $(VENV)/.conformance ## programs that others wrote judge client and sandbox (Node 20 or later)
	$(PY) -m pytest -q tests/conformance

screenshots: $(VENV)/.installed $(VENV)/.browser ## write docs/package/*.png anew
	$(PY) tests/browser/screenshots.py

test-c: ## the C library: C and C++ programs, sanitizers, valgrind, nine languages, the shared scenarios through the ABI
	tests/c/run.sh

lint: $(VENV)/.installed ## rustfmt, clippy, Python types (the C header's freshness is part of test-c)
	$(CARGO) fmt --all --check
	$(CARGO) clippy -p dsrkit -p dsrkit-sandbox -p dsrkit-ffi -p formbox --features $(LINTED) -- -D warnings
	$(CARGO) clippy -p dsrkit -p dsrkit-sandbox -p dsrkit-ffi -p formbox --features $(LINTED) --all-targets -- -D warnings $(TESTS_MAY)
	$(PY) -m mypy --strict
	$(PY) -m pyright -p pyproject.toml
	PATH=$(CURDIR)/$(VENV)/bin:$$PATH $(PY) -m pyright --verifytypes dsrkit --ignoreexternal
	$(PY) -m mypy.stubtest dsrkit._native --allowlist py/stubtest.txt --ignore-disjoint-bases --mypy-config-file pyproject.toml

demonstration: ## a million people through kills, an outage, an expired token (minutes); docs/DEMONSTRATION.md tells it
	DSRKIT_DEMONSTRATION_PEOPLE=1000000 $(CARGO) test -p dsrkit --features $(FEATURES) --test demonstration -- --nocapture

bench: ## speed and memory beside other programs, in one run: docs/PERFORMANCE.md (half an hour)
	$(PYTHON) benches/run.py

bench-quick: ## the same with less of everything (minutes, once it is built)
	$(PYTHON) benches/run.py --quick

bench-instructions: ## instructions of hot paths beside those that are kept (valgrind)
	$(PYTHON) benches/instructions/check.py

soak: $(VENV)/.installed ## the long runs of a release, with a closing table (hours; goes on where it was stopped): docs/RELIABILITY.md
	FEATURES=$(FEATURES) $(PYTHON) tests/soak/run.py

docs: ## the Rust reference
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc -p dsrkit --no-deps --features $(FEATURES)

header: ## write include/dsrkit.h anew from ffi/src
	$(CARGO) run -q -p dsrkit-ffi --example header

install: ## build the C library and install it: make install PREFIX=/usr/local
	$(CARGO) build --release -p dsrkit-ffi
	ffi/install.sh target/release $(PREFIX)

install-c: install

wheel: $(VENV)/.tools ## a release wheel in target/wheels
	$(VENV)/bin/pip wheel -q --no-deps -w target/wheels .

clean: ## remove what was built and what the demo left
	rm -rf target $(VENV) demo
	find py tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.tools: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install -q --upgrade 'pip>=25.1'
	$(VENV)/bin/pip install -q --group test
	touch $@

$(VENV)/.browser: $(VENV)/.tools
	$(VENV)/bin/pip install -q 'playwright>=1.50' 'axe-playwright-python>=0.1.4' 'nbconvert>=7.16'
	touch $@

$(VENV)/.conformance: $(VENV)/.tools tests/conformance/package.json
	$(VENV)/bin/pip install -q 'schemathesis==4.32.5' 'pyyaml==6.0.3'
	mkdir -p target/conformance && cp tests/conformance/package.json target/conformance
	npm install --silent --no-audit --no-fund --prefix target/conformance
	touch $@

# As a wheel, so that the first five minutes are tried with the very same.
$(VENV)/.installed: $(VENV)/.tools $(RUST_SOURCES) $(PY_SOURCES)
	rm -rf target/wheels/dev
	$(VENV)/bin/pip wheel -q --no-deps -w target/wheels/dev --config-settings=build-args="--profile $(PROFILE)$(if $(filter dev,$(PROFILE)), --features failpoints)" .
	$(VENV)/bin/pip install -q --no-deps --no-index --force-reinstall target/wheels/dev/dsrkit-*.whl
	touch $@
