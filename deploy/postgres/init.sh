#!/usr/bin/env bash
# Makes the three databases of the holdout wall, each owned by a role that can connect to no other.
#
# Role, password and database are read from the addresses that the processes get: DATABASE_URL,
# LEAKAGE_DATABASE_URL and HOLDOUT_DATABASE_URL, or the files that DATABASE_URL_FILE, … name. Runs as the
# superuser, where libpq's own variables (PGHOST, PGUSER, …) or POSTGRES_USER say. The postgres image runs it
# once, on an empty volume; by hand it can be run again, and then also changes a role's password.

set -Eeuo pipefail

# The value of $1, or the content of the file that $1_FILE names.
address() {
  local file="$1_FILE"
  if [ -n "${!file:-}" ]; then
    cat "${!file}"
  elif [ -n "${!1:-}" ]; then
    printf '%s' "${!1}"
  else
    echo "init.sh: set $1 or $1_FILE (postgresql://ROLE:PASSWORD@HOST/DATABASE)." >&2
    return 1
  fi
}

# Undoes the percent-encoding of a part of an address.
decoded() {
  local text="${1//\\/\\\\}"
  printf '%b' "${text//%/\\x}"
}

# Makes the role and the database of the address in $1, reachable by that role alone.
make_database() {
  local url rest credentials
  url="$(address "$1")"
  rest="${url#*://}"
  credentials="${rest%%@*}"
  ROLE="$(decoded "${credentials%%:*}")"
  PASSWORD="$(decoded "${credentials#*:}")"
  DATABASE="${rest##*/}"
  DATABASE="$(decoded "${DATABASE%%\?*}")"
  if [ "$credentials" = "$rest" ] || [ "$credentials" = "${credentials#*:}" ] || [ -z "$DATABASE" ]; then
    echo "init.sh: $1 is not postgresql://ROLE:PASSWORD@HOST/DATABASE." >&2
    return 1
  fi
  # Two databases of one role would be no wall between them.
  case " $ROLES " in
    *" $ROLE "*) echo "init.sh: $1 names the role $ROLE, which another address has already." >&2; return 1 ;;
  esac
  ROLES="$ROLES $ROLE"
  # Through the environment: arguments can be read by anybody on the machine.
  export ROLE PASSWORD DATABASE
  psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname postgres <<'SQL'
\getenv role ROLE
\getenv password PASSWORD
\getenv database DATABASE
SELECT format('CREATE ROLE %I', :'role')
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
SELECT format('CREATE DATABASE %I OWNER %I ENCODING ''UTF8'' TEMPLATE template0', :'database', :'role')
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
-- Without this every role of the server may connect to every database.
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
SQL
  unset ROLE PASSWORD DATABASE
}

export PGUSER="${PGUSER:-${POSTGRES_USER:-postgres}}"
ROLES=""
make_database DATABASE_URL
make_database LEAKAGE_DATABASE_URL
make_database HOLDOUT_DATABASE_URL
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname postgres \
  --command 'REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC'
