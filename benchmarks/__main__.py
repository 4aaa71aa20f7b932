"""Every benchmark, small: ``python -m benchmarks``. Each is also a command of its own with larger sizes."""

from __future__ import annotations

import subprocess
import sys

COMMANDS = (
    ["benchmarks.launch_rule_simulation", "--sims", "200"],
    ["benchmarks.banking77_loop"],
    ["benchmarks.checks_quality", "--misses", "0"],
    ["benchmarks.ingest", "--records", "20000"],
    ["benchmarks.checks_speed", "--index", "20000", "--records", "4000"],
    ["benchmarks.review_load", "--records", "10000", "--annotators", "1,8", "--decisions", "400"],
    ["benchmarks.provider_matrix", "--case", "happy", "--case", "ambiguous create", "--database", "sqlite"],
)


def main() -> int:
    failed = []
    for command in COMMANDS:
        print(f"\n== python -m {' '.join(command)}", flush=True)
        if subprocess.run([sys.executable, "-m", *command], check=False).returncode:
            failed.append(command[0])
    if failed:
        print(f"\nFailed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
