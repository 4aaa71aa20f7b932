"""The whole suite: on SQLite, then on PostgreSQL with Redis and Celery workers.

python -m tests.run [--only sqlite|postgres] [--soak] [pytest arguments]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import certifi

from tests import servers

ROOT = Path(__file__).resolve().parent.parent
WORKERS = "2"
SOME_FAILED = 1
"""What pytest exits with when tests failed; other codes are troubles of another kind."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=["sqlite", "postgres"])
    parser.add_argument("--soak", action="store_true", help="The long runs instead of the suite.")
    options, rest = parser.parse_known_args()
    if servers.chromium() is None:
        say("NO CHROMIUM: every browser test is SKIPPED. Install the package `chromium` to run them.")
    if servers.bubblewrap() is None:
        say("NO BUBBLEWRAP: every attack on it is SKIPPED, those on Landlock are not. Install `bubblewrap`.")
    if not (ROOT.parent / "shared" / "data").is_dir():
        say("NO ../shared/data: the tests on real public data are SKIPPED.")
    arguments = ["-m", "soak"] if options.soak else []
    arguments += rest
    failed = []
    if options.only != "postgres" and run("SQLite", {}, arguments):
        failed.append("SQLite")
    if options.only != "sqlite":
        with servers.postgres(servers.NOT_DURABLE) as addresses, servers.redis() as broker:
            environment = addresses | {
                "REDIS_URL": broker,
                "SECRET_KEY": "only for tests",
                "LEAKAGE_KEY": "only for tests, thirty-two bytes.",
            }
            second = ["-p", "tests.second_pass", *arguments]
            if run("PostgreSQL, Redis and Celery", environment, second):
                failed.append("PostgreSQL")
    say(f"FAILED on {' and '.join(failed)}." if failed else "All passed.")
    return 1 if failed else 0


def run(name: str, environment: dict[str, str], arguments: list[str]) -> int:
    say(f"The suite on {name}")
    code = pytest(environment, ["-n", WORKERS, "--dist", "worksteal", *arguments])
    if code != SOME_FAILED:
        return code
    # A browser on a busy machine may be late. What fails again with the machine to itself has failed.
    say(f"SOME FAILED on {name} (named above): once more, those alone")
    return pytest(environment, ["--last-failed", "--last-failed-no-failures", "none", *arguments])


def pytest(environment: dict[str, str], arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="synthreview-var-") as var:
        command = [sys.executable, "-m", "pytest", "-q", "--reuse-db", *arguments]
        inherited = {key: value for key, value in os.environ.items() if not key.endswith("_URL")}
        # One order of sets in every pytest worker, or they would not collect the same tests.
        given = inherited | environment | {"SYNTHREVIEW_VAR": var, "PYTHONHASHSEED": "0"}
        given["SSL_CERT_FILE"] = str(one_root(Path(var)))
        return subprocess.run(command, cwd=ROOT, env=given, check=False).returncode


def one_root(folder: Path) -> Path:
    """A list of one root certificate: every client of an SDK reads it, and no test speaks TLS to the world."""
    whole = Path(certifi.where()).read_text(encoding="utf-8")
    file = folder / "one-root.pem"
    file.write_text("".join(whole.partition("END CERTIFICATE-----")[:2]), encoding="utf-8")
    return file


def say(line: str) -> None:
    sys.stdout.write(f"\n=== {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
