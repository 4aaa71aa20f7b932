#!/bin/sh
# Makes deploy/secrets/: a password for each database role, the addresses that contain them, and our two keys.
# What is there already stays: changing a key or password later takes more than a new file (docs/operations.md).
set -eu
cd "$(dirname "$0")"
mkdir -p secrets
# The files must be readable by the unprivileged user in the containers; the directory lets nobody else in here.
chmod 700 secrets
umask 022
echo '*' > secrets/.gitignore

random() { python3 -c 'import secrets; print(secrets.token_urlsafe(48), end="")'; }
once() { [ -s "secrets/$1" ] || printf '%s' "$2" > "secrets/$1"; }
address() { printf 'postgresql://%s:%s@postgres:5432/%s' "$1" "$(cat "secrets/$1_password")" "$1"; }

for name in postgres synthreview synthreview_leakage synthreview_holdout; do once "${name}_password" "$(random)"; done
once database_url "$(address synthreview)"
once leakage_database_url "$(address synthreview_leakage)"
once holdout_database_url "$(address synthreview_holdout)"
once leakage_key "$(random)"
once secret_key "$(random)"
echo "deploy/secrets/ is ready. Keep a copy of leakage_key and secret_key apart from the database backups."
