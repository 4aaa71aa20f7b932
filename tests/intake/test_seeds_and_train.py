"""What becomes of every row of a file of seed or train rows, and of the file when it is committed."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core.errors import DomainError, RefusedError, StaleStateError
from apps.core.tabular import FileRefusedError, MappingError
from apps.core.uploads import Upload
from apps.intake import services
from apps.intake.models import Import, ImportRole
from apps.leakage.services import add_fingerprints, ensure_corpus
from apps.records.models import Record, Use
from apps.specs.models import Project
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])

MAPPING = ["input.text=text", "output.label=category"]


@pytest.fixture
def project() -> Project:
    return factories.make_project()


def csv(*rows: tuple[str, str], header: str = "text,category") -> Upload:
    quoted = ["{},{}".format(*(f'"{cell}"' for cell in row)) for row in rows]
    return Upload("tickets.csv", "\n".join([header, *quoted]).encode())


def stage(project: Project, upload: Upload, role: ImportRole = ImportRole.TRAIN, **values: Any) -> Import:
    return services.stage_import(project=project, role=role, upload=upload, actor=None, **values)


def reasons(import_: Import) -> dict[int, str]:
    return {row["line"]: row["reason"] for row in import_.refused}


def protect(project: Project, *texts: str) -> None:
    corpus = ensure_corpus(corpus_uuid=project.uuid, project_uuid=project.uuid, name="holdout")
    add_fingerprints(corpus_uuid=corpus.uuid, items=[(uuid4(), text) for text in texts])


def test_staging_writes_no_record_and_shows_the_first_ten(project: Project) -> None:
    rows = [(f"ticket number {number} about a refund", "refund") for number in range(12)]
    import_ = stage(project, csv(*rows))
    assert not Record.objects.exists()
    assert import_.report["rows"] == 12
    assert [row["line"] for row in import_.report["preview"]] == list(range(2, 12))


def test_a_commit_writes_every_good_row_as_a_real_record_of_its_import(project: Project) -> None:
    import_ = stage(project, csv(("I want my money back", "refund"), ("reset my password", "account")))
    done = services.commit_import(import_=import_, actor=None)
    records = Record.objects.order_by("pk")
    assert [(r.input, r.output, r.use, r.status) for r in records] == [
        ({"text": "I want my money back"}, {"label": "refund"}, "train", "real"),
        ({"text": "reset my password"}, {"label": "account"}, "train", "real"),
    ]
    assert {record.import_uuid for record in records} == {done.uuid}
    assert (done.rows_imported, done.content, done.report["preview"]) == (2, None, [])


def test_the_columns_are_guessed_by_their_usual_names(project: Project) -> None:
    for header in ("text,label", "Message,Category", "body,intent"):
        import_ = stage(project, csv((f"a ticket under {header}", "refund"), header=header))
        assert import_.report["rows"] == 1


def test_columns_that_cannot_be_guessed_wait_for_a_mapping(project: Project) -> None:
    import_ = stage(project, csv(("where is my parcel", "shipping"), header="utterance_en,bucket"))
    assert "rows" not in import_.report
    with pytest.raises(MappingError):
        services.commit_import(import_=import_, actor=None)
    mapping = ["input.text=utterance_en", "output.label=bucket"]
    services.map_columns(import_=import_, mapping=mapping, actor=None)
    assert services.commit_import(import_=import_, actor=None).rows_imported == 1


def test_other_columns_become_input_fields_or_tags(project: Project) -> None:
    upload = Upload(
        "t.csv", b"text,category,channel,country\nwhere is it,shipping,mail,de\nand now,shipping,chat,\n"
    )
    mapping = [*MAPPING, "input.channel=channel", "tags.country=country"]
    services.commit_import(import_=stage(project, upload, mapping=mapping), actor=None)
    first, second = Record.objects.order_by("pk")
    assert (first.input, first.axes) == ({"text": "where is it", "channel": "mail"}, {"country": "de"})
    assert second.axes == {}


def test_jsonl_rows_are_mapped_by_dotted_paths(project: Project) -> None:
    upload = Upload("t.jsonl", b'{"ticket": {"body": "hi there"}, "category": "greeting"}\n')
    import_ = stage(project, upload, mapping=["input.text=ticket.body", "output.label=category"])
    services.commit_import(import_=import_, actor=None)
    assert Record.objects.get().input == {"text": "hi there"}


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        (["input.text"], "write TARGET=COLUMN"),
        (["input.text=text"], "Nothing is mapped to the output"),
        (["output.label=category"], "Nothing is mapped to the input"),
        (["input.text=text", "output.label=kind"], "no column 'kind'"),
        (["input.text=text", "input.text=category", "output.label=category"], "input.text is mapped twice"),
        (["text=text", "output.label=category"], "the target must be input.NAME"),
    ],
)
def test_a_mapping_that_cannot_be_used_names_its_mistake(
    project: Project, mapping: list[str], problem: str
) -> None:
    with pytest.raises(MappingError) as refused:
        stage(project, csv(("hello there", "greeting")), mapping=mapping)
    assert any(problem in line for line in refused.value.problems)
    assert not Import.objects.exists()


@pytest.mark.parametrize(
    ("name", "content", "remedy"),
    [
        ("t.xlsx", b"PK\x03\x04", "Upload plain CSV or JSONL"),
        ("t.csv", b"", "empty"),
        ("t.txt", b"text", r"\.csv, \.tsv or \.jsonl"),
        ("t.json", b'[{"text": "a"}]', "one object per line"),
        ("t.csv", "text,category\n".encode("utf-16"), "Save it as UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_names_the_remedy(
    project: Project, name: str, content: bytes, remedy: str
) -> None:
    with pytest.raises(FileRefusedError, match=remedy):
        stage(project, Upload(name, content))


def test_bad_rows_are_refused_with_line_and_reason_and_the_rest_comes_in(project: Project) -> None:
    upload = Upload(
        "t.csv",
        b"text,category\n"
        b"a good one,refund\n"
        b",refund\n"
        b"no label,\n"
        b"one,two,three\n"
        b"\xff\xfe is not utf-8,refund\n"
        b'"?!",refund\n'
        b"another good one,refund\n",
    )
    import_ = stage(project, upload)
    assert reasons(import_) == {
        3: "'text' is empty.",
        4: "'category' is empty.",
        5: "The row has 3 fields, the header has 2.",
        6: "'text' is not UTF-8 (byte 0xff); save the file as CSV UTF-8.",
        7: "The text has no letter, digit or symbol to compare it by.",
    }
    assert services.commit_import(import_=import_, actor=None).rows_imported == 2


def test_a_jsonl_row_whose_label_or_text_is_no_text_is_refused(project: Project) -> None:
    upload = Upload(
        "t.jsonl", b'{"text": "a b c", "label": 7}\n{"text": ["a"], "label": "x"}\n{"text": NaN}\n'
    )
    import_ = stage(project, upload, mapping=["input.text=text", "output.label=label"])
    assert reasons(import_) == {
        1: "The label is missing, or is no text.",
        2: "The text is missing, or is no text.",
        3: "NaN is not JSON.",
    }


def test_a_label_outside_the_published_guide_is_refused_with_the_nearest_one(project: Project) -> None:
    factories.make_guide(project, "refund", "billing")
    import_ = stage(project, csv(("one two", "refunds"), ("three four", "refund"), ("five six", "xyz")))
    assert reasons(import_) == {
        2: "The label 'refunds' is not in label guide v1; did you mean 'refund'?",
        4: "The label 'xyz' is not in label guide v1.",
    }


def test_the_same_text_twice_names_the_first_line_and_its_other_label(project: Project) -> None:
    import_ = stage(
        project, csv(("Top up?", "money"), ("top up", "money"), ("TOP-UP!", "card"), ("top up?", "money"))
    )
    assert reasons(import_) == {
        3: "The same text as line 2 (up to case, white space and punctuation).",
        4: "The same text as line 2 (up to case, white space and punctuation), labelled 'money' there.",
        5: "The same text as line 2 (up to case).",
    }


@pytest.mark.parametrize("role", [ImportRole.SEED, ImportRole.TRAIN])
def test_a_known_seed_is_skipped_not_refused(project: Project, role: ImportRole) -> None:
    seed = factories.make_real(project, "Where is my refund", "refund", use=Use.SEED)
    import_ = stage(project, csv(("where is my refund", "refund"), ("a new one", "refund")), role)
    assert import_.refused == []
    assert import_.report["skipped"] == [{"line": 2, "reason": f"Already imported as seed #{seed.pk}."}]
    assert services.commit_import(import_=import_, actor=None).rows_imported == 1


def test_a_train_row_cannot_become_a_seed_and_the_refusal_names_it(project: Project) -> None:
    row = factories.make_real(project, "Where is my refund", "refund")
    import_ = stage(project, csv(("where is my REFUND", "refund")), ImportRole.SEED)
    assert reasons(import_) == {
        2: f"The same text is train row #{row.pk} (up to case), which no generator may see."
    }


@pytest.mark.parametrize("role", [ImportRole.SEED, ImportRole.TRAIN])
def test_a_holdout_text_is_refused_naming_the_row(project: Project, role: ImportRole) -> None:
    protect(project, "How do I unblock my PIN?")
    import_ = stage(
        project, csv(("how do i unblock my pin?", "pin"), ("How do I un-block my PIN", "pin")), role
    )
    assert reasons(import_) == {2: "The same text stands in the holdout (up to case)."}
    again = stage(project, csv(("How do I unblock my PIN", "pin"), ("another", "pin")), role)
    assert reasons(again) == {
        2: "The same text stands in the holdout (up to case, white space and punctuation)."
    }


def test_a_text_nearly_like_a_holdout_row_is_counted_and_kept_unless_the_lead_drops_it(
    project: Project,
) -> None:
    protect(project, "My card was charged twice. What should I do now?")
    upload = csv(
        ("my card was charged twice!! what shall I do now", "double"), ("something quite different", "x")
    )
    import_ = stage(project, upload)
    assert (import_.refused, import_.report["near_lines"]) == ([], [2])
    kept = services.commit_import(import_=import_, actor=None)
    assert (kept.rows_imported, kept.near_holdout) == (2, 1)


def test_dropping_near_rows_leaves_them_out(project: Project) -> None:
    protect(project, "My card was charged twice. What should I do now?")
    upload = csv(("Lost it. What should I do now?", "lost"), ("something quite different", "x"))
    done = services.commit_import(import_=stage(project, upload), actor=None, drop_near=True)
    assert (done.rows_imported, done.near_holdout, done.report["near_lines"]) == (1, 0, [2])
    assert Record.objects.get().label == "x"


def test_committing_twice_is_stale_and_writes_nothing_again(project: Project) -> None:
    import_ = stage(project, csv(("a ticket", "refund")))
    stale = Import.objects.get(pk=import_.pk)
    services.commit_import(import_=import_, actor=None)
    for copy in (import_, stale):
        with pytest.raises((StaleStateError, RefusedError)):
            services.commit_import(import_=copy, actor=None)
    assert Record.objects.count() == 1


def test_a_text_that_another_import_brings_in_between_writes_nothing_at_all(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_ = stage(project, csv(("first ticket", "refund"), ("second ticket", "refund")))
    look = services.check_import

    def look_then_rival(staged: Import) -> Any:
        report = look(staged)
        factories.make_real(project, "Second ticket", "refund")
        return report

    monkeypatch.setattr(services, "check_import", look_then_rival)
    with pytest.raises(StaleStateError, match="Another import") as stale:
        services.commit_import(import_=import_, actor=None)
    assert isinstance(stale.value.__cause__, IntegrityError)
    assert Record.objects.count() == 1
    assert Import.objects.get().committed_at is None


def test_a_file_of_which_no_row_is_left_says_why_and_stays_staged(project: Project) -> None:
    import_ = stage(project, csv(("", "refund")))
    with pytest.raises(RefusedError, match="No row") as refused:
        services.commit_import(import_=import_, actor=None)
    assert refused.value.problems == ["line 2: 'text' is empty."]
    assert Import.objects.get().committed_at is None


def test_a_discarded_file_is_gone_and_a_committed_one_cannot_be_discarded(project: Project) -> None:
    staged, other = (stage(project, csv((text, "refund"))) for text in ("one", "two"))
    services.discard_import(import_=staged, actor=None)
    services.commit_import(import_=other, actor=None)
    with pytest.raises(StaleStateError):
        services.discard_import(import_=other, actor=None)
    with pytest.raises(StaleStateError):
        services.map_columns(import_=staged, mapping=MAPPING, actor=None)
    with pytest.raises(DomainError, match="imported already"):
        services.check_import(Import.objects.get())


texts = st.lists(
    st.text(
        st.characters(codec="utf-8", exclude_characters='"\x00\r\n', exclude_categories=["Cs"]), max_size=12
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts)
def test_importing_the_same_file_again_adds_nothing_whatever_it_holds(
    project: Project, values: list[str]
) -> None:
    upload = csv(*((value, "refund") for value in values))
    for _ in range(2):
        try:
            services.commit_import(import_=stage(project, upload, mapping=MAPPING), actor=None)
        except RefusedError:
            continue
    hashes = list(Record.objects.filter(project=project).values_list("canonical_hash", flat=True))
    assert len(hashes) == len(set(hashes))
    again = stage(project, upload, mapping=MAPPING)
    assert again.report["rows"] == 0
