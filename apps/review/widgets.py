"""The widgets of the edit form. It is part of every card, so none of them needs a template for each option."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


class TextArea(forms.Textarea):
    """Django's own, the same HTML."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        attributes = flatatt(self.build_attrs({"name": name} | self.attrs, attrs))
        # A browser drops a line break at the very start.
        return format_html("<textarea{}>\n{}</textarea>", attributes, self.format_value(value) or "")


class CodeArea(TextArea):
    """Monospace, unwrapped, with line numbers beside it (``code.js`` keeps them right while one types)."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        lines = str(self.format_value(value) or "").count("\n") + 1
        numbers = "\n".join(map(str, range(1, lines + 1)))
        return format_html(
            '<div class="code-area" data-code><pre class="code-numbers" aria-hidden="true" data-code-numbers>'
            "{}</pre>{}</div>",
            numbers,
            super().render(name, value, attrs, renderer),
        )


class JsonArea(TextArea):
    """JSON text. What a script makes of it stands above it; the template folds it away where it is rarely edited."""


class Choice(forms.Select):
    """One of the labels, of which a guide may have two hundred."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        chosen = self.format_value(value)
        options = ((flatatt({"value": key, "selected": key in chosen}), title) for key, title in self.choices)
        return format_html(
            "<select{}>{}</select>",
            flatatt(self.build_attrs({"name": name} | self.attrs, attrs)),
            format_html_join("", "<option{}>{}</option>", options),
        )


class Boxes(forms.CheckboxSelectMultiple):
    """Any of the labels."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        chosen, given = self.format_value(value), self.build_attrs(self.attrs, attrs)
        own = given.pop("id", "")
        boxes = []
        for number, (key, title) in enumerate(self.choices):
            box = {"type": "checkbox", "name": name, "value": key, "checked": key in chosen}
            box |= given | ({"id": f"{own}_{number}"} if own else {})
            boxes.append((flatatt({"for": box["id"]} if own else {}), flatatt(box), title))
        inside = format_html_join("", "<div><label{}><input{}> {}</label></div>", boxes)
        return format_html("<div{}>{}</div>", flatatt({"id": own} if own else {}), inside)
