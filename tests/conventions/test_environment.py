""".env.example names every variable that is read, says what it is, and names no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from apps.core import crashpoints
from synthreview import wall

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / ".env.example").read_text()
COMPOSE = (ROOT / "docker-compose.yml").read_text()

READERS = {"environment.text", "environment.words", "os.environ.get", "os.getenv", "environ.get"}
# Ends a process on purpose: set by tests alone, so not shown to people who install.
FOR_TESTS = {crashpoints.VARIABLE}
# Read through these loops and helpers; their names are in the wall's tables.
BY_TABLE = {*wall.ADDRESS_VARIABLES.values(), "LEAKAGE_KEY"}
DYNAMIC = {
    "apps/providers/google_credentials.py: variable",
    "apps/providers/keys.py: f'{name}_FILE'",
    "apps/providers/keys.py: name",
    "synthreview/environment.py: f'{name}_FILE'",
    "synthreview/environment.py: name",
    "synthreview/settings.py: variable",
    "synthreview/settings.py: _name",
}


def sources() -> list[Path]:
    return [path for folder in ("synthreview", "apps") for path in sorted((ROOT / folder).rglob("*.py"))]


def arguments_of_reads(tree: ast.Module) -> Iterator[ast.expr]:
    """What is looked up in the environment, wherever ``tree`` does so."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in READERS and node.args:
            yield node.args[0]
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
            yield node.slice
        elif isinstance(node, ast.Compare) and ast.unparse(node.comparators[0]) == "os.environ":
            yield node.left


def names_read() -> tuple[set[str], set[str]]:
    """Variables read under a name that stands in the source, and reads whose name is computed."""
    names, computed = set(), set()
    for path in sources():
        tree = ast.parse(path.read_text())
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for argument in arguments_of_reads(tree):
            value = (
                argument.value if isinstance(argument, ast.Constant) else constants.get(ast.unparse(argument))
            )
            if isinstance(value, str):
                names.add(value.removesuffix("_FILE"))
            else:
                computed.add(f"{path.relative_to(ROOT)}: {ast.unparse(argument)}")
    return names, computed


def names_shown() -> set[str]:
    return {name.removesuffix("_FILE") for name in re.findall(r"^#?([A-Z_]+)=", EXAMPLE, flags=re.MULTILINE)}


def names_of_compose() -> set[str]:
    """Variables that docker compose puts into its file from .env."""
    return set(re.findall(r"\$\{([A-Z_]+)", COMPOSE))


def test_every_computed_read_is_known() -> None:
    assert names_read()[1] == DYNAMIC


def test_the_example_names_what_is_read_and_nothing_else() -> None:
    assert names_shown() == (names_read()[0] | BY_TABLE | names_of_compose()) - FOR_TESTS


def test_every_variable_stands_below_a_line_that_says_what_it_is() -> None:
    paragraphs = EXAMPLE.split("\n\n")
    silent = [
        paragraph
        for paragraph in paragraphs
        if re.search(r"^#?[A-Z_]+=", paragraph, flags=re.MULTILINE) and not paragraph.startswith("# ")
    ]
    assert silent == []


def test_the_example_sets_nothing_and_shows_no_secret() -> None:
    assert [line for line in EXAMPLE.splitlines() if line and not line.startswith("#")] == []
    assert re.findall(r"^#(?:SECRET_KEY|LEAKAGE_KEY)=", EXAMPLE, flags=re.MULTILINE) == []
