# `make test` and `make bench` make the environment on first use.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: env test bench bench-compare fuzz boundscheck lint format types check docs pythons kernel wheel vscode clean

env: .venv/ready

.venv/ready: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

test: env
	$(BIN)/python -m pytest -n auto --dist worksteal

bench: env
	$(BIN)/python -m lrvm_jit.bench

# Saves this commit's figures; afterwards compares all that were saved.
bench-compare: env
	$(BIN)/python -m pytest bench --benchmark-only --benchmark-autosave --benchmark-warmup=off
	$(BIN)/pytest-benchmark compare --group-by=name --columns=median,iqr,rounds

fuzz: env
	LRVM_FUZZ=1 $(BIN)/python -m pytest -n auto tests/machine/test_fuzz.py \
		tests/tools/test_fuzz_files.py tests/batch/test_damaged_files.py \
		tests/batch/test_stream_kills.py tests/components/test_file_memory_kills.py

boundscheck: env
	NUMBA_BOUNDSCHECK=1 $(BIN)/python -m pytest -n auto tests/machine -m "not slow"

lint: env
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: env
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: env
	$(BIN)/mypy

check: test lint types

# The book, as site/index.html. Warnings are errors, links are checked, nothing is fetched.
docs: env
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
	$(BIN)/python -m docs.book.check_site site

# The tests on every version of Python that is supported and at hand.
pythons:
	tools/pythons.sh

# After a change of the kernel: the LLVM code from which a fresh clone compiles it without numba.
kernel: env
	$(BIN)/python -m lrvm_jit.kernel.build.ship llvm

# With the kernel compiled for usual processors, so that nobody who installs it compiles one.
wheel: env
	rm -rf lrvm_jit/shipped
	$(BIN)/python -m lrvm_jit.kernel.build.ship
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	rm -rf lrvm_jit/shipped
	ls -l dist/*.whl

# The extension for Visual Studio Code; needs npm.
vscode: env
	$(BIN)/python -m lrvm_tools.editors editors/vscode
	mkdir -p dist
	cd editors/vscode && npx --yes @vscode/vsce package --allow-missing-repository --out ../../dist/lasm.vsix

clean:
	rm -rf .venv build dist site .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
