"""The layout holds: who imports whom, what the environments pin, how rules are written."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
from pathlib import Path

import pytest
import yaml
from malmoi import fingerprint

REPO = Path(__file__).resolve().parents[2]
SCRIPTS = REPO / "workflow" / "scripts"
LIBRARY = SCRIPTS / "malmoi"
ADAPTERS = sorted(SCRIPTS.glob("*.py"))
MODULES = sorted(LIBRARY.rglob("*.py"))
BOTTOM = {
    *("errors", "atomic", "documents", "ledger"),
    *("fingerprint", "sampling", "progress", "takedown", "pretrained", "fonts"),
}
ROOMS = {path.parent.name for path in LIBRARY.glob("*/__init__.py")}
#: What a room may import of other rooms.
DOORS = {
    "readers": {"malmoi.text.charset"},
    "training": {"malmoi.instances.loader"},
    "evaluation": {"malmoi.training.model", "malmoi.instances.loader", "malmoi.vocab.terms"},
    "audit": {"malmoi.evaluation.intervals", "malmoi.text.pii"},
}
#: The keys of a rule, in the order snakefmt keeps.
ORDER = [
    *("input", "output", "log", "benchmark", "wildcard_constraints"),
    *("conda", "threads", "resources", "params", "script"),
]
#: Those a rule may do without: a download reads no file.
OPTIONAL = {"input", "wildcard_constraints"}


def name_of(path):
    return str(path.relative_to(SCRIPTS))


def imported(path):
    """Return the full names that a file imports: modules, and what it takes out of them."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def malmoi_modules(path):
    """Return the malmoi modules a file imports itself, such as ``malmoi.text.charset``."""
    found = set()
    for name in imported(path):
        parts = name.split(".")
        while parts and parts[0] == "malmoi":
            file = SCRIPTS.joinpath(*parts)
            if file.with_suffix(".py").is_file() or (file / "__init__.py").is_file():
                found.add(".".join(parts))
                break
            parts.pop()
    return found - {"malmoi"}


def test_there_is_something_to_check():
    assert len(ADAPTERS) > 10
    assert {
        *("readers", "text", "curate", "morphology", "vocab"),
        *("instances", "training", "evaluation", "audit", "publish", "planning", "report"),
    } == ROOMS
    assert {path.stem for path in LIBRARY.glob("*.py")} == BOTTOM | {
        "__init__",
        "configcheck",
        "runlock",
    }


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_its_room_and_the_bottom_alone(path):
    room = path.relative_to(LIBRARY).parts[0] if path.parent != LIBRARY else None
    for name in malmoi_modules(path):
        part = name.split(".")[1]
        allowed = part in BOTTOM or (room and (part == room or name in DOORS.get(room, ())))
        assert allowed, f"{name_of(path)} imports {name}"


@pytest.mark.parametrize("path", ADAPTERS, ids=name_of)
def test_an_adapter_is_short_and_imports_one_room(path):
    names = malmoi_modules(path)
    rooms = {name.split(".")[1] for name in names} - BOTTOM
    assert len(rooms) == 1
    assert rooms <= ROOMS
    assert "malmoi.progress" in names
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    assert ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("path", [*ADAPTERS, *MODULES], ids=name_of)
def test_no_code_reads_the_configuration_behind_the_rules_back(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    attributes = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    assert "snakemake.config" not in attributes
    if path in MODULES:
        assert "snakemake" not in names
        assert not [name for name in imported(path) if name.split(".")[0] == "snakemake"]


def test_no_name_stands_in_the_way_of_another_module():
    # The folder is on the path of every script and of the ranks.
    tops = {path.stem for path in SCRIPTS.iterdir() if path.suffix == ".py" or path.is_dir()}
    tops |= {path.stem for path in LIBRARY.glob("*.py")} - {"__init__"}
    taken = set(sys.stdlib_module_names) | set(importlib.metadata.packages_distributions())
    assert not tops & taken
    inner = {path.stem for path in MODULES if path.parent != LIBRARY} - {"__init__", "__main__"}
    assert not inner & set(sys.stdlib_module_names)


def rules():
    """Read every rule's text: name -> list of (key, text of its value)."""
    found = {}
    for path in sorted((REPO / "workflow" / "rules").glob("*.smk")):
        text = path.read_text(encoding="utf-8")
        for name, body in re.findall(
            r"^(?:rule|checkpoint) (\w+):\n((?:    .*\n|\n)+)", text, re.MULTILINE
        ):
            found[name] = re.findall(r"^    (\w+):(.*\n(?:(?: {5,}.*)?\n)*)", body, re.MULTILINE)
    return found


RULES = rules()


def test_every_adapter_has_its_rule():
    used = {Path(dict(keys)["script"].strip().strip('"')).name for keys in RULES.values()}
    assert used == {path.name for path in ADAPTERS}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_says_all_in_one_order(name):
    keys = dict(RULES[name])
    order = [key for key in ORDER if key in keys or key not in OPTIONAL]
    assert [key for key, _ in RULES[name]] == order
    script = Path(keys["script"].strip().strip('"')).name
    hashed = re.search(rf'^\s+code=code\("{script}"[,)]', keys["params"], re.MULTILINE)
    # A downloaded file is proven by its checksum and must not be fetched again for edited code.
    assert bool(hashed) == (name not in ("download", "fetch_encoder"))
    assert re.search(r'mem="\d+GB"', keys["resources"])
    assert re.search(r'runtime="\d+[mh]"', keys["resources"])
    # Logs and figures of time of different jobs never share a file.
    wildcards = [set(re.findall(r"{(\w+)}", keys[key])) for key in ("log", "benchmark")]
    # What `expand` fills in is no wildcard; it leaves those in double braces.
    left = re.sub(
        r"expand\((?:[^()]|\([^()]*\))*\)",
        lambda call: re.sub(r"(?<!{){\w+}", "", call[0]),
        keys["output"],
    )
    in_output = set(re.findall(r"{(\w+)}", left))
    assert wildcards == [in_output, in_output]


def test_what_the_report_shows_has_a_caption_a_category_and_a_label():
    shown = [
        (path, call)
        for path in sorted((REPO / "workflow" / "rules").glob("*.smk"))
        for call in re.findall(
            r"\breport\(((?:[^()]|\([^()]*\))*)\)", path.read_text(encoding="utf-8")
        )
    ]
    assert len(shown) > 8
    for path, call in shown:
        assert all(f"{key}=" in call for key in ("caption", "category", "labels")), call
        for caption in re.findall(r'caption="([^"]+)"', call):
            assert (path.parent / caption).is_file(), caption


def environment(path):
    """Return the pins of an environment: distribution -> version."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert content["channels"] == ["conda-forge"]
    *conda, pip = content["dependencies"]
    assert conda == ["python =3.11", "pip"]
    lines = pip["pip"]
    assert lines == sorted(lines, key=str.lower)
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[\w.]+", line) for line in lines)
    return {normal(name): version for name, version in (line.split("==") for line in lines)}


def normal(distribution):
    return re.sub(r"[-_.]+", "-", distribution).lower()


ENVIRONMENTS = {path.name: path for path in sorted((REPO / "envs").glob("*.yaml"))}


def test_one_distribution_has_one_version():
    versions = {}
    for path in ENVIRONMENTS.values():
        for name, version in environment(path).items():
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_no_pin_file_makes_conda_pass_over_the_pins():
    assert sorted(path.name for path in (REPO / "envs").iterdir()) == sorted(ENVIRONMENTS)


def code_of(rule):
    """Return the Python files a rule's code hash covers: its script and all it imports of malmoi."""
    keys = dict(RULES[rule])
    named = re.search(r"code=code\(([^)]*)\)", keys["params"] + f"code=code({keys['script']})")[1]
    files = [SCRIPTS / name for name in re.findall(r'"([^"]+\.py)"', named)]
    return fingerprint.with_imports(*files)


@pytest.mark.parametrize("rule", RULES)
def test_an_environment_pins_what_its_rule_imports(rule):
    distributions = importlib.metadata.packages_distributions()
    pins = environment(ENVIRONMENTS[Path(dict(RULES[rule])["conda"].strip().strip('"')).name])
    missing = {}
    for path in code_of(rule):
        for top in {name.split(".")[0] for name in imported(path)}:
            if top in sys.stdlib_module_names or top == "malmoi":
                continue
            if not {normal(name) for name in distributions[top]} & set(pins):
                missing.setdefault(top, []).append(name_of(path))
    assert missing == {}


@pytest.mark.parametrize("path", ENVIRONMENTS.values(), ids=lambda path: path.name)
def test_the_tests_run_with_the_versions_that_are_pinned(path):
    wrong = {
        name: (version, importlib.metadata.version(name))
        for name, version in environment(path).items()
        # A CPU build of PyTorch calls itself 2.13.0+cpu.
        if importlib.metadata.version(name).split("+")[0] != version
    }
    assert wrong == {}
