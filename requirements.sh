#!/bin/sh
# Pins, with hashes and without index addresses, what pyproject.toml asks for.
set -eu
compile() { .venv/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 "$@"; }
compile pyproject.toml -o requirements.txt "$@"
compile pyproject.toml --extra team -c requirements.txt -o requirements-team.txt "$@"
compile pyproject.toml --extra team --extra providers -c requirements.txt -o requirements-providers.txt "$@"
compile pyproject.toml --extra tokens -c requirements.txt -o requirements-tokens.txt "$@"
compile pyproject.toml --extra team --extra providers --extra tokens --group test --group check -c requirements-providers.txt -o requirements-test.txt "$@"
echo uv | compile - -o requirements-uv.txt "$@"
