"""Definitions of tools as they come in the wild, made into one shape and JSON Schema, with a note for each change.

Read are OpenAI's `{"type": "function", "function": {…}}`, Anthropic's `{"name", "input_schema"}`, a bare `{"name",
"description", "parameters"}`, and types of other dialects: `dict`, `float`, `tuple` and `any` of the Berkeley
Function-Calling Leaderboard, capitals as Gemini writes them, `nullable` of OpenAPI.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apps.core.pointers import joined, values_at
from apps.core.strict_json import StrictJsonError, loads_line

JSON_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
DIALECT: dict[str, str | None] = {
    **{name: name for name in JSON_TYPES},
    **dict.fromkeys(("dict", "hashmap", "map"), "object"),
    **dict.fromkeys(("tuple", "list", "arraylist"), "array"),
    **dict.fromkeys(("float", "double"), "number"),
    **dict.fromkeys(("int", "long"), "integer"),
    **dict.fromkeys(("str", "char"), "string"),
    "bool": "boolean",
    "any": None,
}
"""A type as somebody wrote it, in lower case → JSON Schema's; None: everything fits."""

_CLOSINGS = ("additionalProperties", "unevaluatedProperties", "patternProperties")
_MAPS_OF_SCHEMAS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTS_OF_SCHEMAS = ("prefixItems", "anyOf", "oneOf", "allOf")
_SCHEMAS = (
    *("items", "additionalItems", "additionalProperties", "unevaluatedProperties", "unevaluatedItems"),
    *("contains", "propertyNames", "not", "if", "then", "else"),
)
_BRANCHES = ("anyOf", "oneOf", "allOf", "not", "if", "then", "else", "dependentSchemas", "contains")
_DEEPEST = 40
_HEAVIEST = 50_000
"""Steps of a validator over one argument: a definition in a record may be made to keep it busy for ever."""


class ToolDefinitionError(ValueError):
    """This is no definition of a tool; ``pointer`` says where, from the definitions on."""

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(f"{pointer}: {message}" if pointer else message)
        self.pointer = pointer
        self.message = message


@dataclass(frozen=True)
class Tool:
    """``parameters`` is JSON Schema (2020-12) of the arguments, closed to names that it does not declare."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    pointer: str = ""
    """Where the parameters stand, from the definitions on."""
    notes: tuple[str, ...] = ()
    """What was read otherwise than it was written, for people."""


def read_tools(written: Any) -> list[Tool]:
    """The tools that ``written`` defines: one, a list of them, or JSON text of either.

    Raises ToolDefinitionError, naming the place, also for two tools of one name.
    """
    if isinstance(written, str):
        try:
            written = loads_line(written.encode())
        except (StrictJsonError, UnicodeEncodeError) as error:
            raise ToolDefinitionError("", "the definitions of tools are no JSON") from error
    if isinstance(written, list):
        tools = [_read(each, f"/{number}") for number, each in enumerate(written)]
    else:
        tools = [_read(written, "")]
    names = [tool.name for tool in tools]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise ToolDefinitionError(f"/{number}/name", "a tool of this name is defined already")
    return tools


def _read(written: Any, pointer: str) -> Tool:
    if not isinstance(written, dict):
        raise ToolDefinitionError(pointer, 'a tool is an object, like {"name": …, "parameters": {…}}')
    if isinstance(written.get("function"), dict):
        written, pointer = written["function"], f"{pointer}/function"
    name = written.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ToolDefinitionError(f"{pointer}/name", "a tool needs a name")
    keyword = next(
        (key for key in ("parameters", "input_schema", "inputSchema") if key in written), "parameters"
    )
    place = f"{pointer}/{keyword}"
    schema = written.get(keyword)
    if schema is None:
        schema = {}
    if not isinstance(schema, dict):
        raise ToolDefinitionError(place, "the parameters of a tool are a JSON Schema, an object")
    notes: dict[str, None] = {}
    parameters = _normalised(schema, place, notes, 0)
    if parameters.setdefault("type", "object") != "object":
        raise ToolDefinitionError(f"{place}/type", 'the arguments of a tool are an "object"')
    if not any(key in parameters for key in _CLOSINGS):
        parameters["unevaluatedProperties"] = False
    _close_inside(parameters, parameters)
    _Weighing(parameters, place).refuse_the_endless()
    return Tool(name.strip(), str(written.get("description") or ""), parameters, place, tuple(notes))


def _normalised(
    schema: Mapping[str, Any], pointer: str, notes: dict[str, None], depth: int
) -> dict[str, Any]:
    """``schema`` in the words of JSON Schema 2020-12, whatever dialect it names or uses."""
    if depth > _DEEPEST:
        raise ToolDefinitionError(pointer, f"nested deeper than {_DEEPEST} levels")
    # The dialect that it names would decide which keywords are heard, an id where references lead.
    left_out = ("$schema", "$id", "nullable", "type")
    made = {key: value for key, value in schema.items() if key not in left_out}
    for key in ("$ref", "$dynamicRef", "$recursiveRef"):
        if key in made and not (key == "$ref" and _is_inside(made[key])):
            raise ToolDefinitionError(
                f"{pointer}/{key}", "a reference is followed inside the definition only, like #/$defs/Address"
            )
    if "type" in schema and (types := _types(schema["type"], f"{pointer}/type", notes)):
        if schema.get("nullable") is True and "null" not in types:
            notes["“nullable” read as one more type, null"] = None
            types = [*types, "null"]
        made["type"] = types[0] if len(types) == 1 else types
    if isinstance(made.get("items"), list):
        notes["a list of “items” read as “prefixItems”"] = None
        made["prefixItems"] = made.pop("items")
    if _is_enum_of_items(made):
        notes["“enum” of a list read as that of its items"] = None
        made["items"] = {**made.get("items", {}), "enum": made.pop("enum")}
    for key in (*_MAPS_OF_SCHEMAS, *_LISTS_OF_SCHEMAS):
        if isinstance(made.get(key), dict | list):
            made[key] = made[key].copy()
    for keys, below in _subschemas(made):
        holder: Any = made if len(keys) == 1 else made[keys[0]]
        holder[keys[-1]] = _normalised(below, joined(pointer, *keys), notes, depth + 1)
    return made


def _is_enum_of_items(schema: Mapping[str, Any]) -> bool:
    """No list is among the values, so no list could ever fit: the items are meant."""
    values = schema.get("enum")
    return (
        schema.get("type") == "array"
        and isinstance(schema.get("items", {}), dict)
        and isinstance(values, list)
        and not any(isinstance(value, list) for value in values)
    )


def _types(written: Any, pointer: str, notes: dict[str, None]) -> list[str]:
    """The types that ``written`` names; none when everything fits."""
    found = []
    for each in written if isinstance(written, list) else [written]:
        if not isinstance(each, str) or each.lower() not in DIALECT:
            shown = each[:40] if isinstance(each, str) else type(each).__name__
            raise ToolDefinitionError(
                pointer, f"{shown!r} is no type; there is {', '.join(JSON_TYPES)}, and any"
            )
        meant = DIALECT[each.lower()]
        if meant != each:
            notes[f"type “{each}” read as {f'“{meant}”' if meant else 'any type'}"] = None
        if meant is None:
            return []
        found.append(meant)
    return list(dict.fromkeys(found))


def _subschemas(schema: Mapping[str, Any]) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """(keys from ``schema`` on, schema) of each schema inside; a snapshot, so that they may be replaced."""
    found: list[tuple[tuple[Any, ...], Any]] = [((key,), schema.get(key)) for key in _SCHEMAS]
    for key in _MAPS_OF_SCHEMAS:
        if isinstance(schema.get(key), dict):
            found += [((key, name), each) for name, each in schema[key].items()]
    for key in _LISTS_OF_SCHEMAS:
        if isinstance(schema.get(key), list):
            found += [((key, number), each) for number, each in enumerate(schema[key])]
    for keys, each in found:
        if isinstance(each, dict):
            yield keys, each


def _close_inside(schema: dict[str, Any], root: Mapping[str, Any]) -> None:
    """An object inside that declares properties takes no others, unless it says so itself.

    Branches beside properties are left alone: they describe the same object together.
    """
    for keys, below in _subschemas(schema):
        if keys[0] == "allOf" or (keys[0] in ("anyOf", "oneOf") and "properties" in schema):
            continue
        if keys[0] in ("not", "if", "then", "else", "dependentSchemas"):
            continue
        is_used_elsewhere = keys[0] in ("$defs", "definitions")
        if not is_used_elsewhere and _declares(below, root) and not any(key in below for key in _CLOSINGS):
            below["unevaluatedProperties"] = False
        _close_inside(below, root)


def _is_inside(reference: Any) -> bool:
    return isinstance(reference, str) and (reference == "#" or reference.startswith("#/"))


def _referred_to(reference: str, root: Mapping[str, Any]) -> Any:
    try:
        places = values_at(root, reference[1:])
    except ValueError:
        return None
    return places[0][1] if places else None


def _declares(schema: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    """Whether it, or what it refers to inside the same definition, names the properties that it takes."""
    seen = set()
    while isinstance(reference := schema.get("$ref"), str) and reference not in seen:
        seen.add(reference)
        found = _referred_to(reference, root)
        if not isinstance(found, dict) or any(key in found for key in _CLOSINGS):
            return False
        schema = found
    return bool(schema.get("properties"))


class _Weighing:
    """How much a validator may have to do at worst, references written out: branches are tried twice and more."""

    def __init__(self, root: Mapping[str, Any], pointer: str) -> None:
        self._root, self._pointer = root, pointer
        self._known: dict[str, int] = {}
        self._open: list[str] = []
        self._has_loop = self._has_branches = False

    def refuse_the_endless(self) -> None:
        weight = self._of(self._root, 0)
        if weight > _HEAVIEST:
            raise ToolDefinitionError(
                self._pointer, "too involved, with its references and branches written out"
            )
        if self._has_loop and self._has_branches:
            raise ToolDefinitionError(
                self._pointer, "a definition that refers to itself cannot have branches (anyOf, allOf, …) too"
            )

    def _of(self, schema: Mapping[str, Any], depth: int) -> int:
        if depth > 2 * _DEEPEST:
            raise ToolDefinitionError(self._pointer, f"references and levels are deeper than {2 * _DEEPEST}")
        weight = 1
        if isinstance(reference := schema.get("$ref"), str):
            weight += self._of_reference(reference, depth)
        for keys, below in _subschemas(schema):
            if keys[0] in ("$defs", "definitions"):
                continue
            is_branch = keys[0] in _BRANCHES
            self._has_branches = self._has_branches or is_branch
            weight += (3 if is_branch else 1) * self._of(below, depth + 1)
        return weight

    def _of_reference(self, reference: str, depth: int) -> int:
        if reference in self._open:
            self._has_loop = True
            return 1
        if reference not in self._known:
            self._open.append(reference)
            found = self._root if reference == "#" else _referred_to(reference, self._root)
            self._known[reference] = self._of(found, depth + 1) if isinstance(found, dict) else 1
            self._open.pop()
        return self._known[reference]
