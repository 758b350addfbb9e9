"""The learned vocabulary: its size and order, the same bytes everywhere, and loading without malmoi."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from malmoi.errors import InputError
from malmoi.vocab.learn import (
    SPECIAL_TOKENS,
    SYMBOLS,
    learn_vocabulary,
    sampled_eojeols,
    sampled_shares,
)
from malmoi.vocab.learners import LEARNERS
from tokenizers import Tokenizer
from transformers import AutoTokenizer, BertTokenizerFast
from vocab_made_text import lay_out, made_sentences, plain, write_made_segments, write_segments

SIZE = 512
HELD_OUT_SEED = 21

RUN = """
import sys
from malmoi.vocab.learn import learn_vocabulary
learn_vocabulary([sys.argv[1]], size=512, boundaries="functional", learner="frequency", sample_mb=100.0,
                 min_frequency=2, reserved=3, prune=True, seed=20, output=sys.argv[2])
"""


def learn(inputs: list[Path], output: Path, **changes: object) -> Path:
    plainly = {
        "size": SIZE,
        "boundaries": "functional",
        "learner": "frequency",
        "sample_mb": 100.0,
        "min_frequency": 2,
        "reserved": 3,
        "prune": True,
        "seed": 20,
    }
    learn_vocabulary(inputs, **(plainly | changes), output=output)
    return output


def vocabulary(folder: Path) -> list[str]:
    return (folder / "vocab.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")


@pytest.fixture(scope="module")
def segments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_made_segments(tmp_path_factory.mktemp("segments") / "0000.parquet")


@pytest.fixture(scope="module")
def folder(segments: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return learn([segments], tmp_path_factory.mktemp("learned") / "tokenizer")


def test_vocabulary_has_the_size_asked_for_and_no_piece_twice(folder: Path) -> None:
    pieces = vocabulary(folder)
    assert len(pieces) == len(set(pieces)) == SIZE and SIZE % 128 == 0
    assert pieces[:8] == [*SPECIAL_TOKENS, "[unused0]", "[unused1]", "[unused2]"]
    assert all(piece.removeprefix("##").strip() for piece in pieces)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert len(tokenizer) == SIZE
    assert tokenizer.convert_ids_to_tokens(range(SIZE)) == pieces


@pytest.mark.parametrize("min_frequency", [1, 2, 5])
def test_frequent_characters_stand_at_both_positions(tmp_path: Path, min_frequency: int) -> None:
    documents = [lay_out(made_sentences(1500, 20)), plain("뷁 쉙 쉙 甲 民 民 法 Ω Ω Ω Ω Ω")]
    path = write_segments(tmp_path / "0000.parquet", documents)
    pieces = set(vocabulary(learn([path], tmp_path / "out", min_frequency=min_frequency)))
    counts = Counter("".join(document["text"] for document in documents))
    for character, count in counts.items():
        if not character.isspace():
            expected = count >= min_frequency or character in SYMBOLS
            assert (character in pieces) == expected
            assert (f"##{character}" in pieces) == expected


def test_signs_of_legal_and_medical_text_are_always_there(folder: Path) -> None:
    assert set("「」①ㆍ【】甲乙℃㎎") <= set(SYMBOLS) and len(SYMBOLS) == len(set(SYMBOLS))
    pieces = set(vocabulary(folder))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for symbol in SYMBOLS:
        assert symbol in pieces and f"##{symbol}" in pieces
        assert tokenizer.unk_token_id not in tokenizer(f"{symbol} 약{symbol}은")["input_ids"]


def test_frequent_characters_are_never_unknown(folder: Path, segments: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = lay_out(made_sentences(300, HELD_OUT_SEED))["text"]
    # The held-out nouns are other ones, of the same syllables.
    assert tokenizer.unk_token_id not in tokenizer(text)["input_ids"]


def test_case_and_hangul_stay_as_they_are(tmp_path: Path) -> None:
    text = "COVID 각하 Aspirin 값싼 café 民法 " * 30
    path = write_segments(
        tmp_path / "0000.parquet", [lay_out(made_sentences(600, 20)), plain(text)]
    )
    folder = learn([path], tmp_path / "out")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for word in ("COVID", "각하", "Aspirin", "값싼", "café", "民"):
        tokens = tokenizer.tokenize(word)
        assert "[UNK]" not in tokens
        assert "".join(token.removeprefix("##") for token in tokens) == word
    assert tokenizer.tokenize("民法") == ["民", "法"]
    jamo = {chr(code) for code in range(0x1100, 0x1200)}
    assert not jamo & set("".join(vocabulary(folder)))


@pytest.fixture(scope="module")
def two_processes(segments: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same vocabulary, learned in two processes with other threads and another hash seed."""
    root = tmp_path_factory.mktemp("processes")
    library = str(Path(sys.modules["malmoi"].__file__).parent.parent)
    running = []
    for threads in ("1", "2"):
        environment = {
            **os.environ,
            "PYTHONPATH": library,
            "PYTHONHASHSEED": threads,
            "RAYON_NUM_THREADS": threads,
        }
        command = [sys.executable, "-c", RUN, str(segments), str(root / threads)]
        running.append(subprocess.Popen(command, env=environment))
    assert [process.wait(120) for process in running] == [0, 0]
    return [root / "1", root / "2"]


def test_other_processes_and_threads_give_the_same_bytes(
    folder: Path, two_processes: list[Path]
) -> None:
    """The trainer numbers characters in hash order; ties between pieces once went by that."""
    names = sorted(path.name for path in folder.iterdir())
    assert {"vocab.txt", "tokenizer.json", "tokenizer_config.json"} <= set(names)
    for other in two_processes:
        assert sorted(path.name for path in other.iterdir()) == names
        for name in names:
            assert (other / name).read_bytes() == (folder / name).read_bytes(), name


def test_order_of_the_shards_does_not_matter(tmp_path: Path) -> None:
    sentences = made_sentences(700, 20)
    paths = [
        write_segments(tmp_path / f"{number}.parquet", [lay_out(sentences[number::2])])
        for number in range(2)
    ]
    first, second = learn(paths, tmp_path / "one"), learn(paths[::-1], tmp_path / "two")
    assert vocabulary(first) == vocabulary(second)


def boundaries_respected(folder: Path) -> float:
    """Return the share of boundaries between stem and josa of held-out text where a token begins."""
    # Sentences of the same nouns in other combinations.
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    held_out = made_sentences(1200, 20)[900:]
    functional = respected = 0
    for sentence in held_out:
        document = lay_out([sentence])
        starts = {start for start, _ in tokenizer.encode(document["text"]).offsets}
        place = 0
        for word in sentence:
            for number, (form, tag) in enumerate(word):
                if number and tag != "SF":
                    functional += 1
                    respected += place in starts
                place += len(form)
            place += 1
    assert functional > 1000
    return respected / functional


def test_functional_boundaries_are_respected_on_raw_text(tmp_path: Path) -> None:
    path = write_segments(
        tmp_path / "0000.parquet", [lay_out([each]) for each in made_sentences(1200, 20)[:900]]
    )
    shares = {
        boundaries: boundaries_respected(
            learn([path], tmp_path / boundaries, boundaries=boundaries)
        )
        for boundaries in ("none", "functional", "all")
    }
    assert shares["functional"] > 0.9
    assert shares["all"] > 0.9
    assert shares["none"] < shares["functional"] - 0.2


def test_too_small_a_size_says_the_least_that_works(segments: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"vocabulary\.size: 96 cannot hold.*at least (\d+)") as it:
        learn([segments], tmp_path / "out", size=96)
    assert not (tmp_path / "out").exists()
    cure = int(str(it.value).split("at least ")[1])
    assert cure % 128 == 0
    assert len(vocabulary(learn([segments], tmp_path / "out", size=cure))) == cure


def test_too_large_a_size_says_the_most_that_works(segments: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"vocabulary\.size.*at most \d+ or add text") as it:
        learn([segments], tmp_path / "out", size=32_000)
    cure = int(str(it.value).split("at most ")[1].split()[0])
    assert cure % 128 == 0
    assert len(vocabulary(learn([segments], tmp_path / "out", size=cure))) == cure
    with pytest.raises(InputError):
        learn([segments], tmp_path / "out", size=cure + 128)


def test_too_little_text_for_any_size_asks_for_more(tmp_path: Path) -> None:
    path = write_segments(
        tmp_path / "0000.parquet", [plain("피고에게 책임을 묻는다 피고에게 책임을")]
    )
    with pytest.raises(InputError, match=r"gives only \d+ pieces; add text$"):
        learn([path], tmp_path / "out")


def test_rare_characters_take_no_room_from_the_pieces(tmp_path: Path) -> None:
    """Characters too rare for a place of their own, hanja of names above all, are many."""
    rare = [chr(0x4E00 + number) for number in range(1500) if chr(0x4E00 + number) not in SYMBOLS]
    documents = [lay_out(made_sentences(600, 20)), plain(" ".join(rare))]
    path = write_segments(tmp_path / "0000.parquet", documents)
    pieces = vocabulary(learn([path], tmp_path / "out"))
    assert len(pieces) == SIZE
    assert not set(rare) & set(pieces)


def test_only_the_training_split_is_learned_from(tmp_path: Path) -> None:
    documents = [
        lay_out(made_sentences(600, 20)),
        {**plain("쉙쉙 " * 50), "split": "validation"},
        {**plain("뷁뷁 " * 50), "split": "test"},
    ]
    path = write_segments(tmp_path / "0000.parquet", documents)
    assert not {"쉙", "뷁"} & set("".join(vocabulary(learn([path], tmp_path / "out"))))


def test_no_training_document_says_the_cure(tmp_path: Path) -> None:
    path = write_segments(tmp_path / "0000.parquet", [plain("피고에게")], split="test")
    with pytest.raises(InputError, match=r"train split.*add documents"):
        learn([path], tmp_path / "out")


def test_sample_is_about_the_megabytes_asked_for(segments: Path) -> None:
    whole = sampled_eojeols([segments], 100.0, 20)
    megabytes = pq.read_table(segments, columns=["text"])["text"].combine_chunks().nbytes / 1e6
    part = sampled_eojeols([segments], megabytes / 2, 20)
    other = sampled_eojeols([segments], megabytes / 2, 21)
    assert part.totals.sum() / whole.totals.sum() == pytest.approx(0.5, abs=0.15)
    assert part.texts != other.texts


def test_domains_have_equal_parts_of_the_sample() -> None:
    megabytes = {"legal": 900.0, "medical": 60.0, "notes": 4.0}
    assert sampled_shares(megabytes, 1000) == {"legal": 1, "medical": 1, "notes": 1}
    assert sampled_shares(megabytes, 100) == {
        "legal": pytest.approx(48 / 900),
        "medical": pytest.approx(48 / 60),
        "notes": 1.0,
    }
    assert sampled_shares({"legal": 50.0}, 10) == {"legal": 0.2}


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("prune", [False, True])
def test_every_learner_gives_a_vocabulary_of_the_size(
    segments: Path, tmp_path: Path, learner: str, prune: bool
) -> None:
    folder = learn([segments], tmp_path / "out", learner=learner, prune=prune)
    assert len(set(vocabulary(folder))) == len(vocabulary(folder)) == SIZE
    settings = json.loads((folder / "vocabulary.json").read_text())
    assert (settings["learner"], settings["prune"]) == (learner, prune)


@pytest.mark.parametrize(
    ("setting", "cure"), [("boundaries", "none, all, functional"), ("learner", "frequency, like")]
)
def test_a_setting_that_does_not_exist_is_named(
    segments: Path, tmp_path: Path, setting: str, cure: str
) -> None:
    with pytest.raises(InputError, match=rf"vocabulary\.{setting}: 'some' is none of {cure}"):
        learn([segments], tmp_path / "out", **{setting: "some"})


#: Not empty: transformers takes an empty second text for none.
TEXTS = st.text(
    st.sampled_from(
        "가나다피고에게은을손해배상하였다 .,()\n\t漢字Aa1\u200b\x00\u3000😀각\u0301뷁[]MASKSEP"
    )
    | st.characters(exclude_categories=["Cs"]),
    min_size=1,
    max_size=30,
)


@pytest.fixture(scope="module")
def loaded(folder: Path) -> tuple[object, object, Tokenizer]:
    return (
        AutoTokenizer.from_pretrained(folder),
        BertTokenizerFast.from_pretrained(folder),
        Tokenizer.from_file(str(folder / "tokenizer.json")),
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS, TEXTS)
def test_all_ways_of_loading_agree(
    loaded: tuple[object, object, Tokenizer], first: str, second: str
) -> None:
    auto, fast, plain_tokenizer = loaded
    for pair in ((first,), (first, second)):
        expected = plain_tokenizer.encode(*pair)
        for tokenizer in (auto, fast):
            got = tokenizer(*pair, return_offsets_mapping=True)
            assert got["input_ids"] == expected.ids
            assert got["token_type_ids"] == expected.type_ids
            assert got["attention_mask"] == expected.attention_mask
            assert got["offset_mapping"] == expected.offsets


def test_pairs_are_framed_as_bert_does(loaded: tuple[object, object, Tokenizer]) -> None:
    auto = loaded[0]
    batch = auto("약 은", "법 을")
    tokens = auto.convert_ids_to_tokens(batch["input_ids"])
    assert tokens[0] == "[CLS]" and tokens[-1] == "[SEP]" and tokens.count("[SEP]") == 2
    assert batch["token_type_ids"] == [0] * (tokens.index("[SEP]") + 1) + [1] * (
        len(tokens) - tokens.index("[SEP]") - 1
    )
    assert auto.mask_token == "[MASK]" and auto.pad_token_id == 0


def test_loading_needs_neither_kiwi_nor_malmoi(folder: Path) -> None:
    text = "법원에게 손해를"
    program = f"""
import sys
for name in ("kiwipiepy", "kiwipiepy_model", "malmoi"):
    sys.modules[name] = None
from transformers import AutoTokenizer
print(AutoTokenizer.from_pretrained({str(folder)!r})({text!r})["input_ids"])
"""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
        check=True,
    )
    assert json.loads(done.stdout) == AutoTokenizer.from_pretrained(folder)(text)["input_ids"]
