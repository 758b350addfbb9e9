"""Say in one line what is wrong with a configuration, and turn its schema into documentation.

Works on plain mappings: which file they came from is the caller's affair.
"""

from __future__ import annotations

import copy
import difflib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from malmoi.errors import InputError


def check(config: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Check a configuration against its schema.

    Raises:
        InputError: one line that names the key, what is wrong with it and what would be right.
    """
    errors = sorted(
        Draft202012Validator(schema).iter_errors(config),
        key=lambda error: (len(error.absolute_path), str(error.absolute_path)),
    )
    if errors:
        raise InputError(_sentence(errors[0]))


def merged(config: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``config`` with ``overrides`` put over it: mappings merge, everything else is replaced."""
    result = copy.deepcopy(dict(config))
    for name, value in overrides.items():
        if isinstance(value, Mapping) and isinstance(result.get(name), Mapping):
            result[name] = merged(result[name], value)
        else:
            result[name] = copy.deepcopy(value)
    return result


def pick(config: Mapping[str, Any], *paths: str) -> dict[str, Any]:
    """Return only the named parts of a configuration, at their places, with sorted keys.

    A path is a key or several joined by dots. The result is made of plain types in one fixed order, so
    that equal settings look equal.
    """
    result: dict[str, Any] = {}
    for path in paths:
        *parents, last = path.split(".")
        source: Any = config
        target = result
        for parent in parents:
            source = source[parent]
            target = target.setdefault(parent, {})
        target[last] = source[last]
    return _sorted(result)


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _sorted(value[name]) for name in sorted(value)}
    if isinstance(value, list | tuple):
        return [_sorted(item) for item in value]
    return value


def place(path: Any) -> str:
    """Return a key's place as people write it: ``corpus.sources[0].path``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".") or "the configuration"


def _sentence(error: ValidationError) -> str:
    where = place(error.absolute_path)
    value = _shortened(error.instance)
    if error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        unknown = min(set(error.instance) - set(known), key=str)
        close = difflib.get_close_matches(str(unknown), known, n=1)
        cure = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(known)}"
        return f"{where}: unknown key {unknown!r}; {cure}"
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return f"{where}: the key {missing!r} is missing; add it"
    if error.validator == "dependentRequired":
        asking, missing = next(
            (name, other)
            for name, others in error.validator_value.items()
            for other in others
            if name in error.instance and other not in error.instance
        )
        return f"{where}: {asking!r} needs the key {missing!r}; add it"
    if error.validator == "type":
        wanted = error.validator_value
        wanted = wanted if isinstance(wanted, str) else " or ".join(wanted)
        return f"{where}: {value} should be of type {wanted}{_number_cure(error.instance, wanted)}"
    if error.validator == "enum":
        return f"{where}: {value} is not one of {', '.join(map(str, error.validator_value))}"
    if error.validator == "pattern" and "description" in error.schema:
        return f"{where}: {value} does not fit: {error.schema['description']}"
    if error.validator == "oneOf":
        return _choice(error)
    message = error.message.replace(repr(error.instance), value)
    return f"{where}: {message}"


def _choice(error: ValidationError) -> str:
    """Say what is wrong where a schema gives alternatives, by the one that was meant."""
    where = place(error.absolute_path)
    options = error.validator_value
    if all(list(option) == ["required"] for option in options):
        names = " or ".join(repr(name) for option in options for name in option["required"])
        return f"{where}: give either {names}"
    meant = [
        part
        for part in error.context
        if part.absolute_path != error.absolute_path or part.validator not in ("type", "enum")
    ]
    if meant:
        return _sentence(meant[0])
    ways = [
        ", ".join(map(str, option["enum"]))
        if "enum" in option
        else f"a mapping of {', '.join(option['properties'])}"
        if "properties" in option
        else option["type"]
        for option in options
    ]
    return f"{where}: {_shortened(error.instance)} is not one of {'; or '.join(ways)}"


def _shortened(value: Any, length: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _number_cure(value: Any, wanted: str) -> str:
    """Say how to write a number that YAML reads as text, such as 1e-4."""
    if wanted not in ("integer", "number") or not isinstance(value, str):
        return ""
    try:
        number = Decimal(value)
    except InvalidOperation:
        return ""
    return f"; write {number:f} without quotes" if number.is_finite() else ""


def leaves(
    schema: Mapping[str, Any], path: str = ""
) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Yield every setting of a schema with its place and whether it must be given, in the schema's order.

    Settings of a list's items count with ``[]``. A setting that may also be a mapping comes before what
    the mapping holds.
    """
    for name, value in schema.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        items = value.get("items", {})
        if value.get("properties"):
            yield from leaves(value, here)
        elif items.get("properties"):
            yield from leaves(items, f"{here}[]")
        else:
            yield here, value, name in schema.get("required", ())
            for option in value.get("oneOf", ()):
                yield from leaves(option, here)


def markdown(schema: Mapping[str, Any]) -> str:
    """Return the settings as Markdown tables, one per section.

    What a change reruns is ``x-reruns`` of a setting: rules, by name.
    """
    lines = [
        "# Configuration",
        "",
        "Generated from `workflow/schemas/config.schema.yaml` by `make docs`; a test keeps it equal.",
        "",
        str(schema["description"]),
        "",
        "The last column says which rules a change of a setting reruns first; what reads their results reruns "
        "after them, and nothing else does. Of the rules named those count that a run has: a source in a "
        "folder has no `download`.",
    ]
    for name, section in schema["properties"].items():
        lines += ["", f"## `{name}`", "", section["description"], ""]
        lines += ["| setting | values | default | meaning | reruns |", "|---|---|---|---|---|"]
        for path, value, required in leaves({**schema, "properties": {name: section}}):
            cells = (
                *(f"`{path}`", _values(value), default(value, required), value["description"]),
                ", ".join(f"`{rule}`" for rule in value["x-reruns"]) or "nothing",
            )
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _values(value: Mapping[str, Any]) -> str:
    if "enum" in value:
        return ", ".join(f"`{item}`" for item in value["enum"])
    if "oneOf" in value:
        return "; ".join(filter(None, (_values(item) for item in value["oneOf"])))
    kind = value.get("type", "")
    words = kind if isinstance(kind, str) else " or ".join(kind)
    limits = [
        f"{sign} {value[name]}"
        for name, sign in (
            ("minimum", "≥"),
            ("exclusiveMinimum", ">"),
            ("maximum", "≤"),
            ("exclusiveMaximum", "<"),
            ("multipleOf", "multiple of"),
        )
        if name in value
    ]
    return " ".join([words, ", ".join(limits)]).strip()


def default(value: Mapping[str, Any], required: bool) -> str:
    """Return a setting's default as Markdown code that YAML would read as the same value."""
    if "default" not in value:
        return "required" if required else "none"
    return f"`{_flow(value['default'])}`"


def _flow(value: Any) -> str:
    """Return a value as YAML in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_flow(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, float):
        # Never 1e-06, which YAML reads as text.
        return f"{Decimal(repr(value)):f}"
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z][\w ]*", value):
        return value
    return json.dumps(value, ensure_ascii=False)


def main(arguments: list[str]) -> None:
    """Print the documentation of a schema: ``python -m malmoi.configcheck SCHEMA``."""
    import yaml

    (path,) = arguments
    print(markdown(yaml.safe_load(Path(path).read_text(encoding="utf-8"))), end="")


if __name__ == "__main__":
    main(sys.argv[1:])
