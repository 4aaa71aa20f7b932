"""``create_project`` and ``create_gap``: whole or not at all, and what is wrong is said in one place."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import User
from apps.records.models import Record
from apps.specs.models import Gap, LabelGuide, Membership, Project
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])

GUIDE = """
task: Route the ticket.
labels:
  - {name: refund, definition: Money back., commonness: rare, examples: [i want my money back]}
  - {name: billing, definition: Invoices., commonness: common, examples: [where is my invoice]}
"""


@pytest.fixture
def guide(tmp_path: Path) -> str:
    path = tmp_path / "guide.yaml"
    path.write_text(GUIDE)
    return str(path)


def create_project(*arguments: str, name: str = "Router") -> str:
    said = StringIO()
    call_command("create_project", name, "--task", "classification", *arguments, stdout=said)
    return said.getvalue().strip()


def nothing_was_made() -> bool:
    return not (Project.objects.exists() or User.objects.exists() or Record.objects.exists())


def test_a_project_comes_with_its_guide_its_seeds_and_its_members(guide: str) -> None:
    factories.make_user(name="ana")
    said = create_project("--guide", guide, "--member", "ana:lead+admin", "ben:reviewer")
    assert said == "Project Router (governed) with 2 labels, 2 seed rows and 2 members."
    project = Project.objects.get()
    published = project.published_guide()
    assert published is not None
    assert [label.commonness for label in published.labels.all()] == ["rare", "common"]
    roles = {membership.user.username: membership.roles for membership in Membership.objects.all()}
    assert roles == {"ana": ["admin", "lead"], "ben": ["reviewer"]}
    assert not User.objects.get(username="ben").has_usable_password()


def test_a_sandbox_says_so(guide: str) -> None:
    assert "(sandbox)" in create_project("--guide", guide, "--sandbox")


@pytest.mark.parametrize(
    ("member", "said"),
    [
        ("ana", "write USER:ROLE"),
        (":lead", "write USER:ROLE"),
        ("ana:owner", "reviewer, lead"),
        ("ana:lead+", "ana:lead+"),
    ],
)
def test_a_member_who_is_written_wrong_stops_everything(guide: str, member: str, said: str) -> None:
    with pytest.raises(CommandError, match=said.replace("+", r"\+")):
        create_project("--guide", guide, "--member", "ben:reviewer", member)
    assert nothing_was_made()


def test_a_guide_that_cannot_be_published_stops_everything(tmp_path: Path) -> None:
    path = tmp_path / "guide.yaml"
    path.write_text(GUIDE.replace("examples: [where is my invoice]", "examples: []"))
    with pytest.raises(CommandError, match="billing: a real example"):
        create_project("--guide", str(path), "--member", "ben:reviewer")
    assert nothing_was_made()


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("labels: [größe]".encode("latin-1"))
    with pytest.raises(CommandError, match=r"latin\.yaml is not UTF-8"):
        create_project("--guide", str(latin))
    with pytest.raises(CommandError, match="Cannot read nowhere"):
        create_project("--guide", "nowhere.yaml")


def test_a_second_project_of_the_name_is_refused_and_the_first_stays(guide: str) -> None:
    create_project("--guide", guide)
    with pytest.raises(CommandError, match="already"):
        create_project("--guide", guide, "--member", "ben:reviewer")
    assert (Project.objects.count(), LabelGuide.objects.count(), User.objects.count()) == (1, 1, 0)


# --- From a data file's labels


def test_labels_and_their_examples_are_taken_from_a_data_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(
        "text,topic\nmoney back,refund\nmoney pls,refund\nmoney now,refund\nwhere is my invoice,billing\n"
    )
    said = create_project("--labels-from", f"{path}:topic")
    assert said == "Project Router (governed) with 2 labels, 3 seed rows and 0 members."
    assert set(Record.objects.seeds().values_list("label", flat=True)) == {"refund", "billing"}


def test_the_column_of_the_text_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("ticket,topic\nmoney back,refund\nwhere is my invoice,billing\n")
    with pytest.raises(CommandError, match=r"has the columns ticket, topic.*--text-column"):
        create_project("--labels-from", f"{path}:topic")
    create_project("--labels-from", f"{path}:topic", "--text-column", "ticket")
    assert Record.objects.seeds().count() == 2


@pytest.mark.parametrize("wanted", ["topics", ""])
def test_a_column_that_is_not_there_is_refused(tmp_path: Path, wanted: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,topic\nmoney back,refund\n")
    with pytest.raises(CommandError, match="has the columns text, topic"):
        create_project("--labels-from", f"{path}:{wanted}")
    assert nothing_was_made()


def test_a_text_under_two_labels_is_an_example_of_neither(tmp_path: Path) -> None:
    """A guide whose examples contradict each other would teach people and generators nonsense."""
    path = tmp_path / "rows.csv"
    path.write_text(
        "text,topic\nHello there,refund\nmoney back,refund\nhello THERE,billing\ninvoice?,billing\n"
    )
    create_project("--labels-from", f"{path}:topic")
    assert set(Record.objects.seeds().values_list("input__text", flat=True)) == {"money back", "invoice?"}


# --- Gaps


def test_a_gap_is_made_and_opened_with_what_to_vary() -> None:
    project = factories.make_project(name="Router")
    factories.make_guide(project, "refund", "billing")
    said = StringIO()
    call_command(
        "create_gap", "Router", "Refund disputes", "--label", "refund", "--count", "20",
        "--axes", '{"tone": ["angry"]}', "--realism", "typos", stdout=said,
    )  # fmt: skip
    gap = Gap.objects.get()
    assert said.getvalue().strip() == "The gap Refund disputes is open: 20 records for refund."
    assert (gap.status, gap.axes, gap.realism) == ("open", {"tone": ["angry"]}, ["typos"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--label", "refnd", "--count", "20"], "'refnd' is not in the published guide"),
        (["--label", "refund", "--count", "0"], "ask for at least one record"),
        (["--label", "refund", "--count", "20", "--axes", "{tone"], "--axes is not JSON"),
        (["--label", "refund", "--count", "20", "--axes", "[1]"], "axes: write an object"),
        (["--label", "refund", "--count", "20", "--axes", '{"tone": "angry"}'], "axes: write an object"),
    ],
)
def test_a_gap_that_cannot_be_opened_is_not_left_lying_about(arguments: list[str], said: str) -> None:
    factories.make_guide(factories.make_project(name="Router"), "refund", "billing")
    with pytest.raises(CommandError, match=said):
        call_command("create_gap", "Router", "Refund disputes", *arguments)
    assert not Gap.objects.exists()
