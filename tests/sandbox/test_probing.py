"""The probe says what holds here, and a mechanism that lets one thing through is not taken."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from apps.sandbox import Job, SandboxUnavailableError, probing
from apps.sandbox.mechanisms import LANDLOCK, Mechanism
from apps.sandbox.probing import Finding


def test_the_command_names_the_active_mechanism(
    mechanism: Mechanism, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("sandbox_probe")
    said = capsys.readouterr().out
    assert f"{mechanism.name}: held the probe" in said
    assert "Active: " in said
    assert "network: no socket can be opened" in said


def test_the_command_fails_where_none_works(monkeypatch: pytest.MonkeyPatch) -> None:
    none = tuple(Finding(found.mechanism, "refused here.") for found in probing.findings())
    monkeypatch.setattr(probing, "findings", lambda: none)
    with pytest.raises(CommandError, match="no sandbox works here"):
        call_command("sandbox_probe")


def test_a_mechanism_without_its_filter_does_not_hold_the_probe(
    mechanism: Mechanism, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the probe's attacker does get through when the filter lets everything pass."""
    everything = bytes.fromhex("06000000" + "0000ff7f")
    monkeypatch.setattr("apps.sandbox.running.seccomp_program", lambda **_: everything)
    assert "start a process" in probing._trouble_of(mechanism)


def test_a_machine_without_a_list_of_calls_runs_nothing(
    mechanism: Mechanism, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert "riscv64" in probing._trouble_of(mechanism)
    with pytest.raises(SandboxUnavailableError):
        probing.run(Job(["python3", "-c", "1"]), mechanism=mechanism)


def test_landlock_that_lets_everything_be_read_does_not_hold_the_probe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if trouble := probing._trouble_of(LANDLOCK):
        pytest.skip(f"THE SANDBOX landlock IS NOT TESTED HERE: {trouble}")
    monkeypatch.setattr("apps.sandbox.mechanisms.readable_paths", lambda: ("/",))
    assert "read a file of the host" in probing._trouble_of(LANDLOCK)
