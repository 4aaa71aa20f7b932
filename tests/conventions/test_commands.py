"""Every command shows an example in its --help and says on one line what it is for."""

from __future__ import annotations

import pytest
from django.core.management import BaseCommand, get_commands, load_command_class

from apps.core.command import HouseCommand

OURS = sorted(name for name, app in get_commands().items() if app.startswith("apps."))

# Names that engineers script: whatever else changes, these stay.
CONTRACT = {
    "prepare",
    "create_project",
    "import_real",
    "freeze_holdout",
    "create_gap",
    "run_generation",
    "import_candidates",
    "decide",
    "build_release",
    "evaluate",
    "launch_report",
    "demo",
}

each_command = pytest.mark.parametrize("name", OURS)


def command(name: str) -> BaseCommand:
    return load_command_class(get_commands()[name], name)


def test_the_commands_that_people_script_are_there() -> None:
    assert set(OURS) >= CONTRACT


@each_command
def test_help_shows_an_example_of_the_command_itself(name: str) -> None:
    found = command(name)
    assert isinstance(found, HouseCommand)
    assert f"manage.py {name}" in found.example
    assert found.example in found.create_parser("manage.py", name).format_help()


@each_command
def test_help_says_what_it_does(name: str) -> None:
    assert command(name).help.endswith((".", "?"))


@each_command
def test_every_option_is_explained(name: str) -> None:
    parser = command(name).create_parser("manage.py", name)
    django_s_own = {action.dest for action in BaseCommand().create_parser("manage.py", name)._actions}
    silent = [
        action.dest
        for action in parser._actions
        if action.dest not in django_s_own and action.option_strings and action.help is None
    ]
    assert silent == []
