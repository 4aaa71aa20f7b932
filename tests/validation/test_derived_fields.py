"""A rule that derives a field of the output from the input proves it; any other rule does not."""

from __future__ import annotations

import pytest

from apps.validation.checks.rules import derived_field


@pytest.mark.parametrize(
    ("expression", "field"),
    [
        ("output.total == sum(input.prices)", "total"),
        ("input.a + input.b == output.total", "total"),
        ("output.late == (input.days > 30.0)", "late"),
        ("output.kind == (input.text.contains('==') ? 'a' : 'b')", "kind"),
        ("output.total == input.a || true", ""),
        ("output.total == input.a && input.b > 1.0", ""),
        ("output.late == input.days > 30.0", ""),
        ("output.kind == input.a ? true : true", ""),
        ("output.total == sum(output.lines)", ""),
        ("output.total == input.a + output.tax", ""),
        ("output.total == 3.0", ""),
        ("output.total >= input.a", ""),
        ("output.total != input.a", ""),
        ("!(output.total == input.a)", ""),
        ("output.total.value == input.a", ""),
        ("output.total in input.allowed", ""),
        ("true || output.total == input.a", ""),
        ("output.total == input.a) || (true", ""),
        ("output.total == input.a == true", ""),
        ("true || 'x' == output.kind", ""),
        ("input.a == output.b", "b"),
        ("input.a > 1.0 || input.a == output.b", ""),
    ],
)
def test_only_a_rule_that_leaves_one_value_settles_a_field(expression: str, field: str) -> None:
    assert derived_field(expression) == field
