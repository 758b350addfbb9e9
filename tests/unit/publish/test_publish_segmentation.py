"""A model of segmented input brings along what parts a text as its corpus was parted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from malmoi.publish.segmentation import copy_segmentation

TEXT = "피고는 원고에게 [MASK]을 지급하라. 누리별빛병원에서 2020다12345 판결을 보았다."

#: Run where malmoi itself cannot be found: what is imported is the copy.
RUN = """
import json, sys
sys.path.insert(0, sys.argv[1])
from malmoi.morphology.segmented import Segmenter, joined
text = Segmenter(["legal"], True, [sys.argv[2]])(sys.argv[3])
print(json.dumps([text, joined(text)]))
"""


def test_the_copy_parts_text_by_itself_and_joins_it_again(tmp_path: Path) -> None:
    dictionary = tmp_path / "our words.txt"
    dictionary.write_text("누리별빛병원\n", encoding="utf-8")
    made_by = {"kiwipiepy": "0.24.1", "kiwipiepy_model": "0.24.0"}
    schema = pa.schema([("text", pa.string())], {"malmoi.analyzer": json.dumps(made_by)})
    segments = tmp_path / "0000.parquet"
    pq.write_table(schema.empty_table(), segments)
    package = tmp_path / "package"
    package.mkdir()
    settings = {"input": "segmented", "terms": ["legal"], "patterns": True}
    named = copy_segmentation(package, {**settings, "dictionaries": [str(dictionary)]}, [segments])
    assert named == {
        "terms": ["legal"],
        "patterns": True,
        "dictionaries": ["segmentation/dictionaries/00.txt"],
    }
    requirements = (package / "segmentation/requirements.txt").read_text()
    assert "kiwipiepy==0.24.1\n" in requirements
    arguments = [package / "segmentation", package / named["dictionaries"][0], TEXT]
    run = subprocess.run(
        [sys.executable, "-I", "-c", RUN, *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
    )
    parted, joined = json.loads(run.stdout)
    assert joined == TEXT
    assert {"피고", "▁는", "[MASK]을", "2020다12345", "누리별빛병원"} <= set(parted.split())


def test_a_model_of_raw_text_needs_nothing(tmp_path: Path) -> None:
    assert copy_segmentation(tmp_path, {"input": "raw"}, []) is None
    assert not list(tmp_path.iterdir())
