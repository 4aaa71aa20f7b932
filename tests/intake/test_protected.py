"""A sensitive corpus is kept as fingerprints alone, and everything that goes out or comes in is held against it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from apps.core.errors import DomainError
from apps.core.uploads import Upload
from apps.intake.protected import forget_texts, protect_texts
from apps.leakage.models import ProtectedCorpus
from apps.leakage.services import screen_texts
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.specs.models import Project
from apps.validation import services as validation
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])

CLAUSE = "The supplier shall indemnify Quandary Holdings against the loss of the ninth shipment of borax."


@pytest.fixture
def project() -> Project:
    project = factories.make_project(name="Router")
    factories.make_spec(project)
    factories.make_guide(project, "refund", "billing")
    return project


def contracts(*texts: str) -> Upload:
    return Upload("contracts.csv", "\n".join(["body", *(f'"{text}"' for text in texts)]).encode())


def protect(project: Project, *texts: str) -> int:
    return protect_texts(project=project, name="contracts", upload=contracts(*texts), column="body").protected


def test_a_record_that_repeats_a_protected_clause_is_dropped(project: Project) -> None:
    protect(project, CLAUSE)
    record = factories.make_candidate(factories.make_gap(project), f"hello, it says: {CLAUSE} please refund")
    validation.check_slice()
    assert Record.objects.get(pk=record.pk).status == RecordStatus.FAILED_CHECKS
    finding = record.findings.get(check_name="leakage")
    assert CLAUSE not in finding.message


def test_no_text_is_kept_in_the_database(project: Project) -> None:
    protect(project, CLAUSE)
    with connections["leakage"].cursor() as cursor:
        tables = connections["leakage"].introspection.table_names(cursor)
        for table in (name for name in tables if name.startswith("leakage_")):
            cursor.execute(f"SELECT * FROM {table}")  # names come from the database itself
            assert "indemnify" not in repr(cursor.fetchall()).lower()


def test_registering_again_adds_only_what_is_new(project: Project) -> None:
    assert protect(project, CLAUSE) == 1
    assert protect(project, CLAUSE, "Another secret clause about tin and zinc") == 2


def test_another_project_is_not_held_to_it(project: Project) -> None:
    protect(project, CLAUSE)
    other = factories.make_project(name="Other")
    assert screen_texts(project_uuid=other.uuid, texts=[CLAUSE])[0].is_clean


def test_a_forgotten_corpus_protects_nothing(project: Project) -> None:
    protect(project, CLAUSE)
    forget_texts(project=project, name="contracts")
    assert not ProtectedCorpus.objects.exists()
    assert screen_texts(project_uuid=project.uuid, texts=[CLAUSE])[0].is_clean
    with pytest.raises(DomainError, match="has no protected corpus 'contracts'"):
        forget_texts(project=project, name="contracts")


def test_a_wrong_column_is_named_with_those_there_are(project: Project) -> None:
    with pytest.raises(DomainError, match=r"column 'text'\. It has: body"):
        protect_texts(project=project, name="contracts", upload=contracts(CLAUSE))


def test_the_command_says_what_it_did(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "contracts.csv"
    file.write_bytes(contracts(CLAUSE, "!!").content)
    call_command("protect_texts", "router", str(file), "--name", "contracts", "--column", "body")
    out = capsys.readouterr()
    assert "contracts protects 1 texts (1 new); 1 rows were refused" in out.out
    assert out.err.startswith("line 3: no text in the column 'body'")
    with pytest.raises(CommandError, match="Name the file"):
        call_command("protect_texts", "router", "--name", "contracts")
