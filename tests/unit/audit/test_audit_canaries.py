"""Canaries belong to nobody, are planted as often as said, and rank as chance has it unless remembered."""

import hashlib
import math
import zlib

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from malmoi import ledger
from malmoi.audit import canaries
from malmoi.audit.exposure import exposures, group_chance
from malmoi.documents import FIELDS, read
from malmoi.errors import InputError

COUNTS = [0, 1, 4]


def test_no_secret_could_be_anybodys():
    made = canaries.make(20, range(8), 12)
    assert len({each.secret for each in made}) == len({each.before for each in made}) == len(made)
    for each in made:
        assert each.before[-1] in " (" and each.after[0] in " )"
        if each.format == "case_number":
            assert int(each.secret[:4]) > 2070
        elif each.format == "resident_number":
            digits = [int(digit) for digit in each.secret.replace("-", "")]
            weights = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
            total = sum(weight * digit for weight, digit in zip(weights, digits, strict=False))
            assert digits[6] in (0, 9)
            assert digits[12] not in ((11 - total % 11) % 10, (13 - total % 11) % 10)
        else:
            assert (
                each.secret[0]
                not in "김이박최정강조윤장임한오서신권황안송류홍전고문손배백허남심노하곽성차"
            )


def test_planting_counts_exactly_and_again_alike(tmp_path):
    def plant(folder):
        paths = [folder / name for name in ("0.parquet", "digest", "table.csv", "ledger.parquet")]
        canaries.plant(20, COUNTS, 3, *paths)
        return paths

    documents, digest, table, rows = plant(tmp_path / "a")
    planted = list(read([documents]))
    made = canaries.read(table)
    assert made == canaries.make(20, COUNTS, 3) != canaries.make(21, COUNTS, 3)
    texts = [row["text"] for row in planted]
    assert {each.number: texts.count(each.text) for each in made} == {
        each.number: each.count for each in made
    }
    assert {row["split"] for row in planted} == {"train"} and set(planted[0]) == {*FIELDS, "split"}
    assert [row["doc_id"] for row in planted] == sorted({row["doc_id"] for row in planted})
    # What comes in after curation balances like all that went through it.
    ledger.check(pq.read_table(rows), ["ingest", "normalize", "filter", "deduplicate"])
    for path, other in zip((documents, digest, table, rows), plant(tmp_path / "b"), strict=True):
        assert (
            hashlib.sha256(path.read_bytes()).digest()
            == hashlib.sha256(other.read_bytes()).digest()
        )


class Reader:
    """A model of characters that has read some texts, and of others makes up its mind by a checksum."""

    longest = 512

    def __init__(self, texts, causal):
        self.texts, self.causal = texts, causal
        self.characters = {}

    def ids(self, text):
        return [self.characters.setdefault(each, len(self.characters)) for each in text]

    def next_pieces(self, rows):
        texts = [self.ids(text) for text in self.texts]
        result = torch.empty(len(rows), 400)
        for number, row in enumerate(rows):
            left = list(row.left)
            generator = torch.Generator().manual_seed(zlib.crc32(repr(left).encode()))
            result[number] = torch.randn(400, generator=generator)
            for text in texts:
                if text[: len(left)] == left:
                    result[number, text[len(left)]] += 12
        yield np.arange(len(rows)), result.log_softmax(-1)


@pytest.mark.parametrize("causal", [False, True])
def test_what_was_read_ranks_first_and_what_was_not_by_chance(causal):
    made = canaries.make(20, [0, 1], 3)
    known = Reader([each.text for each in made if each.count], causal)
    found = exposures(known, made, 20, 30)
    assert {each.rank for each in found if each.canary.count} == {1}
    assert all(each.bits == math.log2(31) for each in found if each.canary.count)
    assert group_chance([each.rank for each in found if each.canary.count], 30) < 1e-5
    controls = [each.rank for each in found if not each.canary.count]
    assert 0.001 < group_chance(controls, 30) < 0.999
    assert np.std(controls) > 3


def test_equal_scores_are_no_memory():
    class Even(Reader):
        def next_pieces(self, rows):
            yield np.arange(len(rows)), torch.zeros(len(rows), 400)

    made = [each for each in canaries.make(20, [0], 2) if each.format == "resident_number"]
    found = exposures(Even([], True), made, 20, 30)
    assert [each.rank for each in found] == [16, 16]


def test_the_chance_of_ranks_is_one_of_chance():
    random = np.random.default_rng(5)
    chances = [group_chance(random.integers(1, 102, 24), 100) for _ in range(2000)]
    for level in (0.001, 0.01, 0.1):
        assert np.mean(np.array(chances) < level) <= level + 3 * math.sqrt(level / 2000)
    assert np.mean(np.array(chances) < 0.1) > 0.05


def test_a_canary_longer_than_the_model_and_a_foreign_table_are_named(tmp_path):
    made = canaries.make(20, [0], 1)
    short = Reader([], True)
    short.longest = 20
    with pytest.raises(InputError, match=r"canary 0 .* takes \d+ tokens, but the model reads 20"):
        exposures(short, made, 20, 10)
    (tmp_path / "table.csv").write_text("number,count\n1,x\n")
    with pytest.raises(InputError, match=r"table\.csv: no table of canaries"):
        canaries.read(tmp_path / "table.csv")
