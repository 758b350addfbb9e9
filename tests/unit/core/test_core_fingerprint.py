"""A fingerprint changes with what a run depends on, and with nothing else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi import fingerprint

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(VALUES)
def test_a_value_read_back_from_json_has_the_same_fingerprint(value):
    text = json.dumps(value, ensure_ascii=False)
    assert fingerprint.of_value(json.loads(text)) == fingerprint.of_value(value)


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_the_order_of_keys_does_not_count(value):
    assert fingerprint.of_value(dict(reversed(value.items()))) == fingerprint.of_value(value)


def test_other_values_and_types_count():
    values = [0, 1, "1", True, None, [], {}, [1], [1, 2], [2, 1], {"a": 1}, {"b": 1}, 1.5]
    assert len({fingerprint.of_value(value) for value in values}) == len(values)


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A library of four modules and an adapter that imports two of them, one through the other."""
    monkeypatch.setattr(fingerprint, "LIBRARY", tmp_path.resolve())
    files = {
        "adapter.py": "from malmoi.room.used import run\nrun()\n",
        "malmoi/__init__.py": "",
        "malmoi/room/__init__.py": "",
        "malmoi/room/used.py": "import os\n\ndef run():\n    from malmoi import deep\n",
        "malmoi/room/other.py": "VALUE = 1\n",
        "malmoi/deep.py": "import malmoi.room.used\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("adapter.py", True),
        ("malmoi/__init__.py", True),
        ("malmoi/room/__init__.py", True),
        ("malmoi/room/used.py", True),
        ("malmoi/deep.py", True),
        ("malmoi/room/other.py", False),
    ],
)
def test_a_change_counts_in_what_is_imported_and_nowhere_else(library, name, counts):
    before = fingerprint.of_code(library / "adapter.py")
    with (library / name).open("a") as file:
        file.write("# changed\n")
    assert (fingerprint.of_code(library / "adapter.py") != before) == counts


@pytest.mark.parametrize(
    "block",
    [
        "def run():\n    {}",
        "class Stage:\n    def run(self):\n        {}",
        "try:\n    {}\nexcept OSError:\n    pass",
        "try:\n    pass\nexcept OSError:\n    {}",
        "try:\n    pass\nexcept OSError:\n    pass\nelse:\n    {}",
        "try:\n    pass\nfinally:\n    {}",
        "if True:\n    pass\nelif False:\n    {}",
        "for _ in ():\n    pass\nelse:\n    {}",
        "with open('file'):\n    {}",
        "match 1:\n    case 1:\n        {}",
    ],
)
def test_an_import_counts_wherever_it_stands(library, block):
    (library / "adapter.py").write_text(block.format("import malmoi.room.other"))
    found = fingerprint.with_imports(library / "adapter.py")
    assert (library / "malmoi/room/other.py").resolve() in found


def test_code_is_read_and_not_run(library):
    (library / "malmoi/deep.py").write_text("raise SystemExit('ran')\n")
    assert fingerprint.of_code(library / "adapter.py")


def test_neither_the_place_of_the_library_nor_the_order_of_files_counts(
    library, tmp_path_factory, monkeypatch
):
    files = ("adapter.py", "malmoi/room/other.py")
    before = fingerprint.of_code(*(library / name for name in files))
    moved = tmp_path_factory.mktemp("elsewhere") / "scripts"
    library.rename(moved)
    monkeypatch.setattr(fingerprint, "LIBRARY", moved.resolve())
    assert fingerprint.of_code(*(moved / name for name in reversed(files))) == before


def test_the_real_adapters_have_fingerprints():
    adapters = sorted(fingerprint.LIBRARY.glob("*.py"))
    assert len({fingerprint.of_code(path) for path in adapters}) == len(adapters) > 0


def test_a_file_is_its_bytes(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"\r\n")
    second.write_bytes(b"\n")
    assert fingerprint.of_file(first) != fingerprint.of_file(second)
    second.write_bytes(b"\r\n")
    assert fingerprint.of_file(first) == fingerprint.of_file(second)
