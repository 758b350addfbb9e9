"""Intrinsic figures: equal questions for every vocabulary, hand-computed likelihoods, bars that hold."""

import itertools
import json
import math
from collections import Counter, defaultdict

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from malmoi.atomic import write_parquet
from malmoi.errors import InputError
from malmoi.evaluation.comparison import compare
from malmoi.evaluation.eojeols import LONGEST, plan, plan_digest, read_documents
from malmoi.evaluation.homographs import SENTENCES, nearest, probe, read_items
from malmoi.evaluation.intrinsic import UNKNOWN_BITS, eojeol_figures, evaluate_intrinsic
from malmoi.evaluation.likelihood import Scores, count_scores, encode, network_scores
from malmoi.evaluation.ngrams import NGrams, read_tokens
from malmoi.evaluation.pairs import APART, NEGATIVES, evaluate_pairs, segment_pairs
from malmoi.publish.measures import read_evaluations
from malmoi.training.model import load_network, model_config, untrained
from sklearn.metrics import roc_auc_score
from tools.tiny_bert import SPECIAL, make_tiny_bert, write_tokenizer
from transformers import BertForPreTraining

TAGS = ("NNG", "JX", "SN", "EF", "SF")
NOUNS = [
    "원고",
    "피고",
    "법원",
    "판결",
    "청구",
    "환자",
    "투약",
    "손해",
    "배상",
    "치료",
    "검사",
    "항소",
]
ENDINGS = ("은", "를", "에서", "의")
MANY = ["".join(pair) for pair in itertools.permutations("가나다라마바사아자차카타파하", 2)]


def sentence(draw: np.random.Generator, nouns: list[str]) -> tuple[list[tuple[str, str]], ...]:
    """Return eojeols as morphemes with tags: nouns with particles, a number, a verb."""
    words = [
        [(nouns[draw.integers(len(nouns))], "NNG"), (ENDINGS[draw.integers(len(ENDINGS))], "JX")]
        for _ in range(int(draw.integers(5, 9)))
    ]
    number = [(str(draw.integers(10, 99)), "SN"), ("일", "NNG")]
    return (*words, number, [("기각", "NNG"), ("한다", "EF"), (".", "SF")])


def rows_of(documents, mark="", split="test", seed=3, nouns=NOUNS) -> list[dict]:
    rows = []
    for at in range(documents):
        draw = np.random.default_rng([seed, at])
        text, starts, ends, tags = "", [], [], []
        for word in [word for _ in range(8) for word in sentence(draw, nouns)]:
            text += " " if text else ""
            for place, (form, tag) in enumerate(word):
                text += f" {mark}" if place and mark else ""
                starts.append(len(text) - (1 if place and mark else 0))
                text += form
                ends.append(len(text))
                tags.append(TAGS.index(tag))
        rows.append(
            {
                **{"doc_id": f"{split}{at:04d}", "source": f"source{at % 2}", "split": split},
                **{"domain": ("legal", "medical")[at % 2], "title": f"사건 {at % 3}"},
                **{"group": f"{split}{at // 2}", "text": text, "morpheme_starts": starts},
                **{"morpheme_ends": ends, "morpheme_tags": tags},
            }
        )
    return rows


def write_segments(path, rows):
    table = pa.Table.from_pylist(rows).replace_schema_metadata({"malmoi.tags": json.dumps(TAGS)})
    write_parquet(path, table)
    return path


@pytest.fixture
def segments(tmp_path):
    return write_segments(tmp_path / "segments.parquet", rows_of(24))


@pytest.fixture(scope="module")
def pieces():
    text = "".join(row["text"] for row in rows_of(4)) + SENTENCES.read_text(encoding="utf-8")
    characters = sorted({char for char in text if not char.isspace()})
    return [*SPECIAL, *characters, *(f"##{char}" for char in characters)]


@pytest.fixture(scope="module")
def network(pieces, tmp_path_factory):
    """A random BERT whose pieces are characters, with its tokenizer and folder."""
    folder = tmp_path_factory.mktemp("characters")
    tokenizer = make_tiny_bert(folder, pieces, positions=96)
    return load_network(folder).eval(), tokenizer, folder


def test_the_plan_asks_of_every_document_whatever_the_form_of_its_text(segments, tmp_path):
    blanks = plan(read_documents([segments], 12, 5), 60, 6, 5, {"손해", "원고"})
    assert Counter(blank.document.doc_id for blank in blanks).most_common()[-1][1] == 5
    assert len({blank.document.doc_id for blank in blanks}) == 12
    for blank in blanks:
        words = blank.document.text.split()
        assert words[blank.number] == blank.word
        assert blank.left.split() == words[max(0, blank.number - 6) : blank.number]
        assert blank.right.split() == words[blank.number + 1 : blank.number + 7]
        assert blank.counted.all()
        classes = {
            name: "".join(np.array(list(blank.word))[mask]) for name, mask in blank.classes.items()
        }
        noun, rest = blank.word[:2], blank.word[2:]
        if noun in NOUNS:
            assert (classes["content"], classes["josa"]) == (noun, rest)
            assert classes["terms"] == (noun if noun in ("손해", "원고") else "")
        elif noun.isdigit():
            assert (classes["numbers"], classes["content"]) == (noun, rest)
        else:
            assert (classes["eomi"], classes["content"]) == ("한다", "기각")
        repeated = blank.word in blank.left.split() + blank.right.split()
        assert bool(classes["repeated"]) == repeated != bool(classes["not_repeated"])
    # The same corpus with its morphemes parted is asked the same.
    parted = write_segments(tmp_path / "parted.parquet", rows_of(24, mark="▁"))
    same = plan(read_documents([parted], 12, 5), 60, 6, 5, {"손해", "원고"})
    assert plan_digest(same) == plan_digest(blanks)
    assert all(
        one.counted.sum() == two.counted.sum() for one, two in zip(same, blanks, strict=True)
    )
    for name in ("josa", "terms"):
        assert [b.classes[name][b.counted].sum() for b in same] == [
            b.classes[name].sum() for b in blanks
        ]
    other = plan(read_documents([segments], 12, 6), 60, 6, 6)
    assert plan_digest(other) != plan_digest(blanks)


def test_what_cannot_be_asked_is_named(segments, tmp_path):
    with pytest.raises(InputError, match="no document of the validation split"):
        read_documents([segments], 5, 1, "validation")
    row = {**rows_of(1)[0], "text": "가" * (LONGEST + 1) + " !!", "morpheme_starts": [0]}
    row |= {"morpheme_ends": [LONGEST + 1], "morpheme_tags": [0]}
    path = write_segments(tmp_path / "long.parquet", [row])
    with pytest.raises(InputError, match="none of 1 documents"):
        plan(read_documents([path], 1, 1), 10, 4, 1)


@pytest.mark.parametrize("objective", ["mlm+nsp", "ltr"])
def test_a_piece_is_asked_for_with_the_later_ones_of_its_eojeol_masked(
    objective, network, segments
):
    model, tokenizer, _ = network
    if objective == "ltr":
        model = untrained(model_config(len(tokenizer), "tiny", 96, "ltr"), 2, "ltr").eval()
    blanks = plan(read_documents([segments], 6, 5), 12, 4, 5)
    encoded = encode(tokenizer, blanks, 96)
    scores = network_scores(model, tokenizer, encoded)
    row = 0
    for left, word, right in zip(encoded.left, encoded.words, encoded.right, strict=True):
        for at, piece in enumerate(word):
            if objective == "ltr":
                ids, place = [2, *left, *word[:at]], len(left) + at
            else:
                ids = [2, *left, *word[:at], *[4] * (len(word) - at), *right, 3]
                place = 1 + len(left) + at
            with torch.inference_mode():
                output = model(input_ids=torch.tensor([ids]))
            logits = output.logits if objective == "ltr" else output.prediction_logits
            chances = logits[0, place].softmax(-1)
            assert scores.bits[row] == pytest.approx(-math.log2(chances[piece]), abs=1e-4)
            assert scores.right[row] == (int(chances.argmax()) == piece)
            assert scores.confidence[row] == pytest.approx(float(chances.max()), abs=1e-5)
            row += 1
    assert row == len(scores.bits)


def test_a_model_with_few_positions_is_asked_with_less_around(network, segments):
    blanks = plan(read_documents([segments], 6, 5), 12, 24, 5)
    _, tokenizer, _ = network
    model = untrained(model_config(len(tokenizer), "tiny", 32, "mlm"), 2, "mlm").eval()
    encoded = encode(tokenizer, blanks, 32)
    assert (
        max(len(left) + len(right) for left, right in zip(encoded.left, encoded.right, strict=True))
        > 60
    )
    assert np.isfinite(network_scores(model, tokenizer, encoded).bits).all()
    with pytest.raises(InputError, match="the model reads 3 tokens"):
        encode(tokenizer, blanks, 3)


def test_bits_per_character_rank_vocabularies_that_perplexity_ranks_backwards(pieces, tmp_path):
    paths = [
        write_segments(tmp_path / f"{n}.parquet", rows_of(n, seed=n, nouns=MANY)) for n in (24, 80)
    ]
    blanks = plan(read_documents(paths[:1], 24, 5), 240, 8, 5)
    train = [document.text for document in read_documents(paths[1:], 80, 5)]
    pieces = [
        *pieces,
        *sorted({*"".join(MANY)}),
        *("##" + char for char in sorted({*"".join(MANY)})),
    ]
    pieces = list(dict.fromkeys(pieces))
    large = [*pieces, *MANY, *("##" + ending for ending in ENDINGS)]
    found = {}
    for name, vocabulary in (("small", pieces), ("large", large)):
        (tmp_path / name).mkdir()
        tokenizer = write_tokenizer(tmp_path / name, vocabulary)
        encoded = encode(tokenizer, blanks, 96)
        ids = [np.array(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in train]
        counts = count_scores(NGrams(ids, len(vocabulary), 1), encoded)
        report = eojeol_figures(blanks, encoded, {"unigram": counts}, tokenizer.unk_token_id, 1)
        found[name] = report["models"]["unigram"]["all"]
        assert report["cells"]["all"] == {
            "characters": sum(len(blank.word) for blank in blanks),
            "eojeols": len(blanks),
        }
        for figures in report["models"]["unigram"].values():
            for measure in figures.values():
                assert measure["low"] - 1e-6 <= measure["value"] <= measure["high"] + 1e-6
    assert (
        found["small"]["perplexity_per_token"]["value"]
        < found["large"]["perplexity_per_token"]["value"]
    )
    assert (
        found["large"]["bits_per_character"]["high"] < found["small"]["bits_per_character"]["low"]
    )


def test_what_is_unknown_is_paid_for_and_never_right(pieces, segments, tmp_path):
    """A vocabulary without a syllable cannot win by calling it [UNK]."""
    without = [piece for piece in pieces if "고" not in piece]
    (tmp_path / "without").mkdir()
    tokenizer = write_tokenizer(tmp_path / "without", without)
    blanks = plan(read_documents([segments], 24, 5), 240, 8, 5)
    encoded = encode(tokenizer, blanks, 96)
    free = Scores(*(np.full(len(encoded.owner), value) for value in (0.0, 1.0, 1.0)))
    report = eojeol_figures(blanks, encoded, {"free": free}, tokenizer.unk_token_id, 1)
    lost = [len(blank.word) for blank in blanks if "고" in blank.word]
    assert report["unknown_characters"] == sum(lost) > 0
    figures = report["models"]["free"]["all"]
    characters = report["cells"]["all"]["characters"]
    assert figures["bits_per_character"]["value"] == pytest.approx(
        sum(lost) * UNKNOWN_BITS / characters, abs=1e-5
    )
    assert figures["exact"]["value"] == pytest.approx(1 - len(lost) / len(blanks), abs=1e-6)
    assert figures["calibration_error"]["value"] == pytest.approx(
        sum(encoded.pieces == 1) / len(encoded.owner), abs=1e-5
    )


def test_ngrams_are_interpolated_kneser_ney():
    draw = np.random.default_rng(1)
    documents = [draw.integers(0, 6, int(size)).tolist() for size in draw.integers(1, 40, 12)]
    order, size = 3, 8
    model = NGrams([np.array(ids) for ids in documents], size, order)
    grams = Counter()
    for ids in documents:
        padded = [size] * (order - 1) + ids
        for at in range(order - 1, len(padded)):
            grams[tuple(padded[at - order + 1 : at + 1])] += 1
    by_order = {order: grams}
    for length in range(order - 1, 0, -1):
        by_order[length] = Counter(gram[1:] for gram in by_order[length + 1])

    def chance(history: tuple, piece: int, length: int) -> float:
        if length == 0:
            return 1 / size
        context = history[len(history) - length + 1 :]
        after = {gram[-1]: n for gram, n in by_order[length].items() if gram[:-1] == context}
        below = chance(history, piece, length - 1)
        if not after:
            return below
        times = Counter(by_order[length].values())
        discount = min(0.9, max(0.1, times[1] / max(1, times[1] + 2 * times[2])))
        total = sum(after.values())
        kept = max(0.0, after.get(piece, 0) - discount) if piece in after else 0.0
        return (kept + discount * len(after) * below) / total

    for history in ([], [3], [1, 2], [0, 5, 4], [7, 7]):
        padded = (*[size] * (order - 1), *history)
        wanted = [chance(padded[-order + 1 :], piece, order) for piece in range(size)]
        assert model.distribution(history) == pytest.approx(np.array(wanted))
        assert model.distribution(history).sum() == pytest.approx(1)


def test_a_sample_of_the_training_tokens_is_counted(tmp_path):
    rows = [
        {"doc_id": f"{at}", "split": "test" if at == 3 else "train", "input_ids": [at] * 10}
        for at in range(30)
    ]
    paths = []
    for part in range(2):
        table = pa.Table.from_pylist(rows[part::2])
        paths.append(tmp_path / f"{part}.arrow")
        with pa.OSFile(str(paths[-1]), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=4)
    assert sum(map(len, read_tokens(paths, 10**6, 1))) == 290
    some = read_tokens(paths, 95, 1)
    assert len(some) == 10 and all(len(set(ids.tolist())) == 1 for ids in some)
    assert {int(ids[0]) for ids in some} != {int(ids[0]) for ids in read_tokens(paths, 95, 2)}
    with pytest.raises(InputError, match="validation split has no tokens"):
        read_tokens(paths, 95, 1, "validation")


def topical(documents: int) -> list[dict]:
    """Documents that each keep to words of their own."""
    rows = []
    for at in range(documents):
        draw = np.random.default_rng([9, at])
        own = [NOUNS[n] + str(at) for n in draw.permutation(len(NOUNS))[:4]]
        text = " ".join(own[n] for n in draw.integers(0, 4, 48))
        row = {**rows_of(1)[0], "doc_id": f"{at:04d}", "group": f"g{at // 2}", "text": text}
        rows.append({**row, "title": f"제목 {at % 4}" if at else ""})
    return rows


def test_pairs_against_four_kinds_of_negatives_beside_a_bar_without_a_network(network, tmp_path):
    documents = read_documents([write_segments(tmp_path / "t.parquet", topical(20))], 20, 1)
    pairs = segment_pairs(documents, 6, 100, 4)
    home = {}
    for document in documents:
        for place in range(8):
            home[document.stretch(6 * place, 6 * place + 6)] = (document, place)
    assert tuple(pairs) == NEGATIVES
    for kind, part in pairs.items():
        assert [pair.follows for pair in part] == [True, False] * (len(part) // 2)
        for yes, no in zip(part[::2], part[1::2], strict=True):
            (one, at), (two, behind), (other, place) = (
                home[yes.first],
                home[yes.second],
                home[no.first if kind == "swapped" else no.second],
            )
            assert one is two and behind == at + 1 and yes.group == no.group == one.group
            if kind == "swapped":
                assert (no.first, no.second) == (yes.second, yes.first)
                continue
            assert no.first == yes.first
            if kind == "same_document":
                assert other is one and abs(place - at) >= APART
            else:
                assert other.group != one.group
            if kind == "same_title":
                assert other.title == one.title != ""
    assert len(pairs["random"]) == len(pairs["swapped"]) == 200
    assert 0 < len(pairs["same_title"]) < 200

    model, tokenizer, _ = network
    stubborn = BertForPreTraining(model.config)
    with torch.no_grad():
        stubborn.cls.seq_relationship.weight.zero_()
        stubborn.cls.seq_relationship.bias.copy_(torch.tensor([1.0, 0.0]))
    report = evaluate_pairs({"trained": model, "stubborn": stubborn}, tokenizer, pairs, 1)
    for kind, part in report.items():
        # Who always says yes is right in half of the cases and ranks nothing.
        assert part["models"]["stubborn"]["nsp_accuracy"]["value"] == 0.5
        assert part["models"]["stubborn"]["nsp_auc"]["value"] == 0.5
        assert part["pairs"] == len(pairs[kind])
    bar = {kind: part["models"]["tfidf_cosine"] for kind, part in report.items()}
    assert bar["random"]["nsp_accuracy"]["value"] > 0.95
    assert bar["same_document"]["nsp_auc"]["value"] < 0.7
    assert bar["swapped"]["nsp_accuracy"]["value"] == bar["swapped"]["nsp_auc"]["value"] == 0.5
    # As scikit-learn has it, for scores of the network itself.
    given = tokenizer(
        [pair.first for pair in pairs["random"]],
        [pair.second for pair in pairs["random"]],
        truncation="longest_first", max_length=96, padding=True, return_tensors="pt",
    )  # fmt: skip
    with torch.inference_mode():
        logits = model(**given).seq_relationship_logits
    difference = (logits[:, 0] - logits[:, 1]).numpy().round(6)
    follows = [pair.follows for pair in pairs["random"]]
    measured = report["random"]["models"]["trained"]
    assert measured["nsp_auc"]["value"] == pytest.approx(
        roc_auc_score(follows, difference), abs=2e-3
    )
    assert measured["nsp_accuracy"]["value"] == pytest.approx(
        np.mean((difference > 0) == follows), abs=6e-3
    )


def test_the_sentences_of_homographs_are_whole():
    items = read_items()
    senses = defaultdict(Counter)
    for item in items:
        senses[item.word][item.sense] += 1
        assert item.text[item.start : item.end] == item.word
        assert len(item.text) <= 60
    assert len(senses) >= 15
    assert all(len(found) >= 2 and min(found.values()) >= 8 for found in senses.values())
    assert len({item.text for item in items}) == len(items)


def test_the_nearest_sense_is_found_and_ties_are_shared(tmp_path):
    draw = np.random.default_rng(2)
    senses = np.repeat([1, 2, 3], 6)
    apart = np.eye(3)[senses - 1] + 0.1 * draw.normal(size=(18, 3))
    assert nearest(apart, senses).tolist() == [1.0] * 18
    assert nearest(np.ones((18, 3)), senses).tolist() == pytest.approx([1 / 3] * 18)
    # Without its own vector, a sense of one odd item is elsewhere.
    odd = np.array([[1.0, 0], [0, 1], [0, 1], [1, 0], [1, 0]])
    assert nearest(odd, np.array([1, 1, 1, 2, 2])).tolist() == [0, 1, 1, 1, 1]
    for line in ("눈\t1\t눈이 온다.", "눈\t1\t{밤}이 온다.", "눈\t{눈}이 온다."):
        (tmp_path / "odd.tsv").write_text(f"# odd\n{line}\n", encoding="utf-8")
        with pytest.raises(InputError, match=r"odd\.tsv: line 2"):
            read_items(tmp_path / "odd.tsv")


def test_homographs_are_told_apart_by_their_context_alone(network):
    model, tokenizer, _ = network
    items = [item for item in read_items() if item.word in ("눈", "배", "의사")]
    report = probe({"trained": model, "untrained": model}, tokenizer, items, 1)
    by_word = {name: found["by_word"] for name, found in report["models"].items()}
    # Equal pieces have equal embeddings.
    assert by_word["static"] == by_word["majority"] == {"눈": 0.5, "배": 0.333333, "의사": 0.5}
    assert report["models"]["tfidf_context"]["accuracy"]["value"] < 0.7
    assert report["models"]["trained"] == report["models"]["untrained"]
    layers = report["layers"]["trained"]
    assert len(layers["accuracy"]) == model.config.num_hidden_layers + 1
    assert all(layer in (0, 1) for layer in layers["chosen"])
    assert (report["words"], report["sentences"], report["own_pieces"]) == (3, 56, 1.0)


@pytest.mark.parametrize("objective", ["mlm+sop", "ltr", "modernbert"])
def test_every_kind_of_model_is_measured_and_equal_inputs_give_equal_files(
    objective, network, segments, tmp_path
):
    _, tokenizer, folder = network
    train = tmp_path / "train.arrow"
    table = pa.Table.from_pylist(
        [
            {
                "doc_id": row["doc_id"],
                "split": "train",
                "input_ids": tokenizer(row["text"], add_special_tokens=False)["input_ids"],
            }
            for row in rows_of(30, split="train", seed=3)
        ]
    )
    with pa.OSFile(str(train), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    (tmp_path / "terms.tsv").write_text("# terms\n손해\tNNG\n", encoding="utf-8")
    if objective != "mlm+sop":
        dimensions = {"layers": 1, "hidden_size": 32, "heads": 2}
        if objective == "modernbert":
            dimensions["architecture"] = "modernbert"
        kind = "mlm" if objective == "modernbert" else objective
        folder = tmp_path / "model"
        untrained(model_config(len(tokenizer), dimensions, 96, kind), 1, kind).save_pretrained(
            folder
        )
        tokenizer.save_pretrained(folder)
    settings = {"documents": 24, "eojeols": 48, "context": 6, "pairs": 10, "counted_tokens": 5000}
    written = []
    for name in ("one", "two") if objective == "mlm+sop" else ("one",):
        out = [tmp_path / name / f"intrinsic.{end}" for end in ("json", "csv", "png")]
        evaluate_intrinsic(
            folder,
            [segments],
            [train],
            [tmp_path / "terms.tsv"],
            settings,
            objective,
            3,
            *out,
            threads=1,
        )
        written.append([path.read_bytes() for path in out])
    assert all(files == written[0] for files in written)
    report = json.loads(written[0][0])
    cells = report["models"]["trained"]
    assert {
        "all",
        "content",
        "josa",
        "eomi",
        "numbers",
        "terms",
        "domain:legal",
        "source:source1",
    } <= set(cells)
    # The same words over and over: counting which follow which beats counting them.
    bits = {
        name: found["all"]["bits_per_character"]["value"]
        for name, found in report["models"].items()
    }
    assert bits["five_gram"] < bits["unigram"] < bits["untrained"]
    for name, gain in report["gains"].items():
        assert gain["value"] == pytest.approx(bits[name] - bits["trained"], abs=2e-6)
        assert gain["low"] <= gain["value"] <= gain["high"]
    kinds = {"swapped"} if objective == "mlm+sop" else set()
    assert set(report["pairs"]) == kinds
    table = pd.read_csv(tmp_path / "one" / "intrinsic.csv")
    assert set(table["part"]) == {"eojeols", "homographs"} | ({"pairs"} if kinds else set())
    if objective == "mlm+sop":
        shown_in_comparison_and_card(tmp_path / "one" / "intrinsic.json", report, tmp_path)


def shown_in_comparison_and_card(path, report, tmp_path):
    """Check that what other stages read of the file is what it says."""
    (tmp_path / "summary.json").write_text('{"fingerprint": "0123"}', encoding="utf-8")
    out = [tmp_path / f"comparison.{end}" for end in ("csv", "html", "png")]
    compare({"base": [path]}, {"base": tmp_path / "summary.json"}, *out)
    table = pd.read_csv(out[0]).set_index(["evaluation", "metric", "model"])
    names = [f"intrinsic-{part}" for part in ("eojeols", "pairs-swapped", "homographs")]
    assert list(dict.fromkeys(table.index.get_level_values(0))) == names
    measures = {(m.evaluation, m.metric): m for m in read_evaluations([path])}
    assert {name for name, _ in measures} == set(names)
    bits = {name: found["all"]["bits_per_character"] for name, found in report["models"].items()}
    for name, found in bits.items():
        row = table.loc[names[0], "bits_per_character", name]
        assert [row["value"], row["low"], row["high"]] == [
            found[end] for end in ("value", "low", "high")
        ]
        if name != "trained":
            gain = table.loc[names[0], "bits_per_character_gain", name]["value"]
            assert gain == pytest.approx(found["value"] - bits["trained"]["value"], abs=2e-6)
            on_card = measures[names[0], "bits_per_character"]
            assert on_card.value == bits["trained"]["value"]
            assert on_card.baselines[name] == found["value"]
    for part, metric, bar in (
        (1, "nsp_accuracy", "tfidf_cosine"),
        (2, "accuracy", "tfidf_context"),
    ):
        assert (
            measures[names[part], metric].baselines[bar]
            == table.loc[names[part], metric, bar]["value"]
        )
