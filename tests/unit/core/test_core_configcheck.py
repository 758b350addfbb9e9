"""A wrong setting is named in one line, with its cure; the schema is the documentation."""

import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from malmoi import configcheck
from malmoi.errors import InputError

REPO = Path(__file__).parents[3]
SCHEMA_FILE = REPO / "workflow" / "schemas" / "config.schema.yaml"
SCHEMA = yaml.safe_load(SCHEMA_FILE.read_text(encoding="utf-8"))
SOURCE = {"name": "cases", "path": "raw", "domain": "legal", "license": "MIT"}
GOOD = {"corpus": {"sources": [SOURCE]}}
PHASE = {"name": "l128", "steps": 10, "batch_size": 8, "micro_batch_size": 8}


def error_of(changes):
    with pytest.raises(InputError) as caught:
        configcheck.check(configcheck.merged(GOOD, changes), SCHEMA)
    return str(caught.value)


def test_the_least_configuration_is_enough():
    configcheck.check(GOOD, SCHEMA)


@pytest.mark.parametrize("name", ["config.yaml", "sample/config.yaml"])
def test_the_shipped_configurations_are_right(name):
    configcheck.check(yaml.safe_load((REPO / name).read_text(encoding="utf-8")), SCHEMA)


@pytest.mark.parametrize(
    ("changes", "place", "cure"),
    [
        ({"vocabulari": {}}, "the configuration: ", "did you mean 'vocabulary'?"),
        ({"corpus": {"shardz": 2}}, "corpus", "did you mean 'shards'?"),
        ({"vocabulary": {"zzz": 2}}, "vocabulary", "known keys: boundaries, compare, learner"),
        ({"vocabulary": {1: 2, "zzz": 3}}, "vocabulary", "unknown key 1; known keys"),
        ({"corpus": {"sources": [{"name": "a"}]}}, "corpus.sources[0]", "'domain' is missing"),
        ({"corpus": {"shards": "two"}}, "corpus.shards", "should be of type integer"),
        ({"corpus": {"shards": True}}, "corpus.shards", "should be of type integer"),
        ({"corpus": {"shards": 0}}, "corpus.shards", "minimum of 1"),
        ({"normalize": None}, "normalize", "should be of type object"),
        ({"normalize": {"pii": {"phone": "hide"}}}, "normalize.pii.phone", "mask, drop, keep"),
        ({"vocabulary": {"size": 2000}}, "vocabulary.size", "multiple of 128"),
        (
            {"corpus": {"sources": [SOURCE | {"name": "Case-Law"}]}},
            "corpus.sources[0].name: 'Case-Law'",
            "lower-case letters, digits and underscores",
        ),
        ({"pretrain": {"phases": [PHASE | {"epochs": 1}]}}, "pretrain.phases[0]", "either 'steps'"),
        (
            {"pretrain": {"phases": [{k: v for k, v in PHASE.items() if k != "steps"}]}},
            "pretrain.phases[0]",
            "'steps' or 'epochs'",
        ),
        ({"pretrain": {"model": "huge"}}, "pretrain.model: 'huge'", "tiny, mini, small, base"),
        ({"pretrain": {"model": "huge"}}, "pretrain.model: 'huge'", "layers, hidden_size, heads"),
        (
            {"pretrain": {"model": {"layers": 2, "hidden_size": 8, "head": 2}}},
            "pretrain.model",
            "did you mean 'heads'?",
        ),
        (
            {"pretrain": {"model": {"layers": "2", "hidden_size": 8, "heads": 2}}},
            "pretrain.model.layers",
            "write 2",
        ),
        # PyYAML reads 1e-4 as text: a trap of YAML 1.1 that people fall into with learning rates.
        ({"pretrain": {"learning_rate": "1e-4"}}, "pretrain.learning_rate", "write 0.0001"),
        ({"publish": {"repo_id": "my model"}}, "publish.repo_id", "namespace/name"),
        ({"publish": {"repo_id": "model"}}, "publish.repo_id", "namespace/name"),
        ({"experiments": {"A-1": {}}}, "experiments: 'A-1'", "lower-case letters"),
        ({"experiments": {}}, "experiments", "non-empty"),
        ({"experiments": {"main": 1}}, "experiments.main", "should be of type object"),
    ],
)
def test_one_line_names_the_key_and_the_cure(changes, place, cure):
    text = error_of(changes)
    assert text.startswith(place)
    assert cure in text
    assert "\n" not in text
    assert len(text) < 300


def test_a_large_value_is_not_printed_in_full():
    text = error_of({"corpus": ["x" * 50] * 100})
    assert text.startswith("corpus: ")
    assert "object" in text
    assert len(text) < 300


def test_the_outermost_mistake_comes_first():
    text = error_of({"corpus": {"shards": 0}, "normalise": {}})
    assert "did you mean 'normalize'?" in text


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3)
    ),
    max_leaves=6,
)
MAPPINGS = st.dictionaries(st.text("abc", min_size=1, max_size=2), VALUES, max_size=4)


@given(MAPPINGS, MAPPINGS)
def test_merging_puts_one_over_the_other_and_leaves_both_alone(config, overrides):
    before = json.dumps([config, overrides])
    result = configcheck.merged(config, overrides)
    assert json.dumps([config, overrides]) == before
    assert configcheck.merged(result, overrides) == result
    assert set(result) == set(config) | set(overrides)
    for name, value in overrides.items():
        if not (isinstance(value, dict) and isinstance(config.get(name), dict)):
            assert result[name] == value


def test_mappings_merge_and_lists_are_replaced():
    config = {"pretrain": {"rate": 1, "phases": [1, 2], "model": "tiny"}, "seed": 1}
    overrides = {"pretrain": {"phases": [3], "model": {"layers": 2}}}
    assert configcheck.merged(config, overrides) == {
        "pretrain": {"rate": 1, "phases": [3], "model": {"layers": 2}},
        "seed": 1,
    }


@given(MAPPINGS)
def test_equal_settings_look_equal_whatever_their_order(config):
    # Snakemake compares params by their text.
    def reordered(value):
        if isinstance(value, dict):
            return {name: reordered(item) for name, item in reversed(value.items())}
        return [reordered(item) for item in value] if isinstance(value, list) else value

    assert repr(configcheck.pick(config, *config)) == repr(
        configcheck.pick(reordered(config), *reversed(config))
    )


def test_only_what_is_named_is_picked_at_its_place():
    config = {"b": {"y": 1, "x": {"d": 1, "c": (1, 2)}}, "a": 3, "z": 4}
    picked = configcheck.pick(config, "b.x", "a")
    assert picked == {"a": 3, "b": {"x": {"c": [1, 2], "d": 1}}}
    assert repr(picked) == repr({"a": 3, "b": {"x": {"c": [1, 2], "d": 1}}})


def test_a_part_that_is_not_there_is_an_error():
    with pytest.raises(KeyError):
        configcheck.pick({"a": {}}, "a.b")


def settings(schema, path=""):
    """All places of a schema that hold a value, found without the code under test."""
    for name, value in schema.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        inner = [value, *value.get("oneOf", []), value.get("items", {})]
        nested = [part for part in inner if part.get("properties")]
        if not nested or "oneOf" in value:
            yield here
        for part in nested:
            yield from settings(part, here + ("[]" if part is value.get("items") else ""))


def test_the_documentation_has_every_setting_with_a_meaning():
    rows = {
        line.split("|")[1].strip(" `"): line
        for line in configcheck.markdown(SCHEMA).splitlines()
        if line.startswith("| `")
    }
    assert list(rows) == list(settings(SCHEMA))
    for line in rows.values():
        cells = line.replace("\\|", "").strip("|").split("|")
        assert len(cells) == 5
        assert all(cell.strip() for cell in cells), line


def test_every_setting_says_which_rules_its_change_reruns():
    text = "".join(path.read_text("utf-8") for path in (REPO / "workflow/rules").glob("*.smk"))
    rules = set(re.findall(r"^(?:rule|checkpoint) (\w+):", text, re.MULTILINE))
    for path, value, _ in configcheck.leaves(SCHEMA):
        assert set(value["x-reruns"]) <= rules, path


def test_defaults_are_shown_as_yaml_reads_them():
    for path, value, required in configcheck.leaves(SCHEMA):
        if "default" in value:
            shown = configcheck.default(value, required).strip("`")
            assert yaml.safe_load(shown) == value["default"], path
        else:
            assert configcheck.default(value, required) == ("required" if required else "none")


def test_every_default_is_allowed():
    def defaults(schema):
        return {
            name: defaults(value) if value.get("properties") else value["default"]
            for name, value in schema["properties"].items()
            if "default" in value
        }

    configcheck.check(configcheck.merged(defaults(SCHEMA), GOOD), SCHEMA)


def test_no_mapping_of_the_schema_lets_a_typo_through():
    def mappings(schema, path):
        if schema.get("properties") and "additionalProperties" not in schema:
            yield path
        for name, value in schema.items():
            for index, part in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(part, dict):
                    yield from mappings(part, f"{path}/{name}[{index}]")

    assert list(mappings(SCHEMA, "")) == []


def test_no_description_is_cut_off_at_a_comma():
    # In {a: b, c} YAML reads c as a key without a value.
    def bare(value, path):
        if value is None:
            yield path
        elif isinstance(value, dict):
            for name, part in value.items():
                if name != "default":
                    yield from bare(part, f"{path}/{name}")

    assert list(bare(SCHEMA, "")) == []


def test_the_documentation_is_that_of_the_schema():
    shown = (REPO / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert shown == configcheck.markdown(SCHEMA), "run `make docs`"


def test_the_module_prints_the_documentation(capsys):
    configcheck.main([str(SCHEMA_FILE)])
    assert capsys.readouterr().out == configcheck.markdown(SCHEMA)
