"""Say in one line what is wrong with a configuration, and turn its schema into documentation.

Works on plain mappings: which file they came from is the caller's affair.
"""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterator, Mapping
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
    if error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        unknown = sorted(set(error.instance) - set(known))[0]
        close = difflib.get_close_matches(unknown, known, n=1)
        cure = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(known)}"
        return f"{where}: unknown key {unknown!r}; {cure}"
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return f"{where}: the key {missing!r} is missing; add it"
    if error.validator == "type":
        wanted = error.validator_value
        wanted = wanted if isinstance(wanted, str) else " or ".join(wanted)
        return f"{where}: {error.instance!r} should be of type {wanted}"
    if error.validator == "enum":
        return f"{where}: {error.instance!r} is not one of {', '.join(map(str, error.validator_value))}"
    if error.validator == "oneOf" and where.startswith("pretrain.phases"):
        return f"{where}: give either 'steps' or 'epochs'"
    return f"{where}: {error.message}"


def leaves(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every setting of a schema with its place, in the schema's order; lists count with ``[]``."""
    for name, value in schema.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        items = value.get("items", {})
        if value.get("properties"):
            yield from leaves(value, here)
        elif items.get("properties"):
            yield from leaves(items, f"{here}[]")
        else:
            yield here, value


def markdown(schema: Mapping[str, Any]) -> str:
    """Return the settings as Markdown tables, one per section."""
    lines = [
        "# Configuration",
        "",
        "Generated from `workflow/schemas/config.schema.yaml` by `make docs`; a test keeps it equal.",
        "",
        str(schema["description"]),
    ]
    for name, section in schema["properties"].items():
        lines += ["", f"## `{name}`", "", section["description"], ""]
        rows = list(leaves({"properties": {name: section}}))
        lines += ["| setting | values | default | meaning |", "|---|---|---|---|"]
        for path, value in rows:
            cells = (f"`{path}`", _values(value), _default(value), value.get("description", ""))
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


def _default(value: Mapping[str, Any]) -> str:
    if "default" not in value:
        return "none"
    default = value["default"]
    text = (
        {True: "true", False: "false"}.get(default, default)
        if isinstance(default, bool)
        else default
    )
    return f"`{text}`" if text != "" else '`""`'
