"""Small files with precise names."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 400

# Files that are long for a reason, with the reason. Splitting by idea comes first.
LONG_FOR_A_REASON: dict[str, str] = {}
# Names that say nothing about what is inside.
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "shared"}


def sources() -> list[Path]:
    ours = [path for folder in ("apps", "synthreview") for path in (ROOT / folder).rglob("*.py")]
    return [path for path in ours if "migrations" not in path.parts]


def test_the_sources_are_found() -> None:
    assert len(sources()) > 100


def test_no_file_is_longer_than_a_reader_holds_in_mind() -> None:
    too_long = {
        str(path.relative_to(ROOT)) for path in sources() if len(path.read_text().splitlines()) > LONGEST
    }
    assert too_long == set(LONG_FOR_A_REASON)


def test_no_file_is_a_drawer_for_odds_and_ends() -> None:
    everywhere = [*sources(), *(ROOT / "tests").rglob("*.py")]
    names = [path for path in everywhere if DRAWERS & {path.stem, path.parent.name}]
    assert names == []


def test_every_app_has_its_own_tests() -> None:
    apps = {path.parent.name for path in ROOT.glob("apps/*/__init__.py")}
    tested = {path.parent.name for path in ROOT.glob("tests/*/test_*.py")}
    assert apps - tested == set()
