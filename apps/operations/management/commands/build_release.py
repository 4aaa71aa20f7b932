"""Freezes and builds a release, and copies its files to a folder."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from apps.core.command import HouseCommand
from apps.core.errors import DomainError
from apps.datasets import files
from apps.datasets.models import Release, ReleaseStatus
from apps.datasets.services import build_release, request_release
from apps.specs.selectors import find_project

PAUSE = 0.5
"""Seconds between two looks at a release that another worker is building."""


class Command(HouseCommand):
    help = "Freezes the reviewed records and the real rows into a release, and copies its files to a folder."
    example = "manage.py build_release router --out exports/ --admit bulk,lot"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", metavar="PROJECT", help="Name or slug of the project.")
        parser.add_argument("--out", required=True, metavar="DIR", help="Where the files are copied to.")
        parser.add_argument(
            "--admit",
            default="",
            metavar="METHODS",
            help="Review methods to take beside those of the project's policy, comma-separated: bulk,lot.",
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object instead of a line.")

    def run(self, **options: Any) -> str:
        project = find_project(options["project"])
        extra = [method.strip() for method in options["admit"].split(",") if method.strip()]
        admit = [*project.release_policy.get("admit", []), *extra]
        release = request_release(project=project, actor=None, policy_override={"admit": admit})
        release = _built(release)
        out = Path(options["out"])
        out.mkdir(parents=True, exist_ok=True)
        for name in files.names_of(release):
            shutil.copyfile(files.path_of(release, name), out / name)
        if options["json"]:
            self.print_json(
                {
                    "release": release.number,
                    "content_hash": release.content_hash,
                    "records": release.total,
                    "out": str(out),
                    "manifest": release.manifest,
                }
            )
            return ""
        sources = ", ".join(f"{n} {name}" for name, n in release.manifest["counts"]["source_type"].items())
        left_out = "".join(f"\n  left out {g['count']}: {g['reason']}" for g in release.manifest["left_out"])
        sandbox = " SANDBOX: it cannot reach a launch review." if project.is_sandbox else ""
        return (
            f"Release {release.number} of {project}: {release.total} records ({sources}) in {out}, "
            f"sha256 {release.content_hash}.{sandbox}{left_out}"
        )


def _built(release: Release) -> Release:
    """Builds it here, unless a worker was faster: then waits for that one."""
    while release.status == ReleaseStatus.BUILDING:
        build_release(release.pk)
        release.refresh_from_db()
        if release.last_error:
            raise DomainError(f"{release} could not be written: {release.last_error}".capitalize())
        if release.status == ReleaseStatus.BUILDING:
            time.sleep(PAUSE)
    return release
