#!/bin/sh
# Makes deploy/secrets/: the address of each database with its role's password, and our two keys.
# What is there already stays: changing one later takes more than a new file (docs/operations.md).
set -eu
cd "$(dirname "$0")"
mkdir -p secrets
# The files must be readable by the unprivileged users in the containers; the directory lets nobody else in here.
chmod 700 secrets
umask 022
echo '*' > secrets/.gitignore

random() { python3 -c 'import secrets; print(secrets.token_urlsafe(48), end="")'; }
once() { [ -s "secrets/$1" ] || printf '%s' "$2" > "secrets/$1"; }
# Role and database have the same name.
address() { printf 'postgresql://%s:%s@postgres:5432/%s' "$1" "$(random)" "$1"; }

once postgres_password "$(random)"
once database_url "$(address synthreview)"
once leakage_database_url "$(address synthreview_leakage)"
once holdout_database_url "$(address synthreview_holdout)"
once leakage_key "$(random)"
once secret_key "$(random)"
echo "deploy/secrets/ is ready. Keep a copy of leakage_key and secret_key apart from the database backups."
