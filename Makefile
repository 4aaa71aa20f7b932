# Everything starts from git, make and python3 (3.11 or newer). `make demo` is the place to begin.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes
PORT ?= 8000

# Images often set it; each of the hundreds of processes of a suite would then compile every module it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup setup-test demo run test check soak bench lock clean

setup: .venv/base.stamp
setup-test: .venv/test.stamp

$(BIN)/uv: requirements-uv.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "SynthReview needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt
	@touch $(BIN)/uv

.venv/base.stamp: $(BIN)/uv requirements.txt
	$(INSTALL) -r requirements.txt
	@touch $@

.venv/test.stamp: .venv/base.stamp requirements-test.txt
	$(INSTALL) -r requirements-test.txt
	@touch $@

demo: setup  ## A project to play with: databases, demo data, web and three workers. Needs no key and no server.
	$(BIN)/python manage.py demo --port $(PORT)

run: setup  ## Web and the three workers on the embedded default.
	$(BIN)/python manage.py prepare
	$(BIN)/python manage.py serve --port $(PORT)

test: setup-test  ## The whole suite on SQLite, on PostgreSQL, and with Redis and Celery workers.
	$(BIN)/python -m tests.run

soak: setup-test  ## The long runs.
	$(BIN)/python -m tests.run --soak

check: setup-test  ## Everything that can be said without running the app.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djade --check --target-version 5.2 $$(git ls-files '*.html')
	$(BIN)/djhtml --check --tabwidth 2 $$(git ls-files '*.html')
	$(BIN)/python manage.py makemigrations --check --dry-run
	SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))') \
	PUBLIC_URL=https://synthreview.example \
	$(BIN)/python -W error manage.py check --deploy --fail-level WARNING

bench: setup-test  ## Every benchmark, small.
	$(BIN)/python -m benchmarks

lock: $(BIN)/uv  ## Pins again what pyproject.toml asks for.
	./requirements.sh

clean:
	rm -rf .venv var staticfiles .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
