"""Tasks are read from documents and from files; what cannot be posed is explained."""

import json

import pytest
from malmoi.errors import InputError
from malmoi.evaluation.tasks import read_task, settings_of

TASK = {"name": "case_type", "label": "type"}
SPLITS = {"train": 24, "validation": 8, "test": 8}


def documents() -> list[dict]:
    """A third of the documents is medical, the others civil."""
    return [
        {
            "split": split,
            "text": f"가나 {split} {n}",
            "meta": {"type": "civil" if n % 3 else "medical"},
        }
        for split, size in SPLITS.items()
        for n in range(size)
    ]


def test_documents_without_the_label_are_counted(write_documents):
    rows = documents()
    rows[1]["meta"] = {}
    rows[2]["meta"] = {"type": ["a", "b"]}
    rows[4]["meta"] = {"type": "tax"}
    rows[5]["kind"] = "statute"
    settings = settings_of({**TASK, "kinds": ["judgment"], "labels": ["civil", "medical"]})
    task = read_task([write_documents(rows)], settings)
    assert task.left_out == {"without_label": 2, "other_labels": 1}
    assert len(task.parts["train"].targets) == 24 - 4


def test_kind_and_domain_are_labels_too(write_documents):
    rows = documents()
    for number, row in enumerate(rows):
        row["kind"] = "statute" if number % 2 else "judgment"
    task = read_task([write_documents(rows)], settings_of({**TASK, "label": "kind"}))
    assert task.labels == ["judgment", "statute"]


def test_what_lies_on_both_sides_is_counted(write_documents):
    rows = documents()
    rows[0]["group"] = rows[-1]["group"] = "2019다1"
    rows[3]["text"], rows[-2]["text"] = "같은 글", "같은글"
    task = read_task([write_documents(rows)], settings_of(TASK))
    assert task.groups_in_several_splits == 1
    assert task.seen_in_train == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: [r | {"meta": {"court": "가"}} for r in rows], ("no document", "court")),
        (lambda rows: [r for r in rows if r["split"] != "test"], ("test split", "curate.split")),
        (lambda rows: [r | {"meta": {"type": "civil"}} for r in rows], ("civil", "two values")),
        (
            lambda rows: [*rows, {"split": "test", "text": "가", "meta": {"type": "tax"}}],
            ("'tax'", "never in train", "labels"),
        ),
    ],
)
def test_an_impossible_task_is_explained(write_documents, change, words):
    path = write_documents(change(documents()))
    with pytest.raises(InputError) as error:
        read_task([path], settings_of(TASK))
    for word in ("case_type", "'type'", *words):
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ({**TASK, "epoch": 3}, "unknown key 'epoch'"),
        ({"name": "case_type"}, "either a label .* or files"),
        ({**TASK, "train": "a.csv", "test": "b.csv"}, "either a label .* or files"),
        ({**TASK, "kind": "tokens"}, "labels of documents are classes"),
        ({"name": "x", "kind": "tagging", "train": "a.csv", "test": "b.csv"}, "not one of"),
        ({**TASK, "seeds": []}, "seeds is empty"),
    ],
)
def test_settings_are_checked(task, words):
    with pytest.raises(InputError, match=words):
        settings_of(task)


@pytest.fixture
def read(tmp_path):
    """Return a function that reads a task from files of the same text and ending."""

    def reader(kind: str, ending: str, text: str, **settings):
        paths = {}
        for split in SPLITS:
            paths[split] = tmp_path / f"{split}{ending}"
            paths[split].write_text(text, encoding="utf-8")
        return read_task([], settings_of({"name": "x", "kind": kind, **paths, **settings}))

    return reader


def lines(*rows: dict) -> str:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n"


def test_pairs_are_read_from_klues_json_and_from_tables(read):
    rows = [
        {"guid": f"sts-{n}", "sentence1": "가", "sentence2": f"나{n}", "labels": {"label": n / 2}}
        for n in range(3)
    ]
    columns = {"id": "guid", "text": "sentence1", "second": "sentence2", "label": "labels.label"}
    part = read("regression", ".json", json.dumps(rows), columns=columns).parts["test"]
    assert part.ids == ["sts-0", "sts-1", "sts-2"]
    assert part.texts[2] == ("가", "나2")
    assert part.targets == [0.0, 0.5, 1.0]
    table = 'premise,hypothesis,gold,source\n"가, 나",다,entailment,a\n라,마,neutral,a\n'
    columns = {"text": "premise", "second": "hypothesis", "label": "gold", "group": "source"}
    task = read("classification", ".csv", table, columns=columns)
    assert task.labels == ["entailment", "neutral"]
    assert task.parts["train"].texts[0] == ("가, 나", "다")
    assert task.groups_in_several_splits == 1


def test_a_part_of_train_validates_where_no_file_does(tmp_path):
    path = tmp_path / "all.jsonl"
    rows = [{"text": f"가{n}", "label": n % 2, "from": n // 5} for n in range(200)]
    path.write_text(lines(*rows), encoding="utf-8")
    settings = {"name": "x", "train": path, "test": path, "columns": {"group": "from"}}
    parts = read_task([], settings_of(settings)).parts
    groups = {split: set(part.groups) for split, part in parts.items()}
    assert not groups["train"] & groups["validation"]
    assert groups["train"] | groups["validation"] == groups["test"]
    assert 2 <= len(groups["validation"]) <= 10


def test_characters_and_words_with_tags_are_read(read):
    klue = "## 표시\n## klue-1\t<법원:OG>은 열\n법\tB-OG\n원\tI-OG\n은\tO\n \tB-DT\n열\tI-DT\n\n"
    task = read("tokens", ".tsv", klue)
    part = task.parts["test"]
    assert task.labels == ["O", "B-DT", "I-DT", "B-OG", "I-OG"]
    assert (part.ids, part.texts) == (["klue-1"], [("법원은 열",)])
    assert [task.labels[tag] for tag in part.targets[0]] == ["B-OG", "I-OG", "O", "B-DT"]
    words = read("tokens", ".conll", "서울 NNP B-LC\n시청 NNG I-LC\n앞 NNG O\n\n나 NP O\n")
    assert words.parts["test"].texts == [("서울 시청 앞",), ("나",)]
    assert words.parts["test"].targets[0] == [1, 2, 2, 2, 0]
    spans = read("tokens", ".jsonl", lines({"text": "서울 시청 앞", "label": [[0, 5, "LC"]]}))
    assert spans.parts["test"].targets == [[1, 2, 2, 2, 0]]


def squad(start: int, answer: str) -> str:
    question = {
        "question": "어디?",
        "guid": "q1",
        "answers": [{"text": answer, "answer_start": start}],
    }
    nothing = {"question": "왜?", "guid": "q2", "is_impossible": True, "answers": []}
    paragraph = {"context": "판결은 서울에서 났다", "qas": [question, nothing]}
    return json.dumps({"data": [{"title": "글", "paragraphs": [paragraph]}]}, ensure_ascii=False)


def test_questions_and_choices_are_read(read):
    part = read("qa", ".json", squad(4, "서울")).parts["test"]
    assert part.texts[0] == ("어디?", "판결은 서울에서 났다")
    assert part.targets == [[(4, "서울")], []]
    rows = [{"text": "무엇?", "choices": ["가", "나", "다"], "label": label} for label in ("나", 2)]
    part = read("choice", ".jsonl", lines(*rows)).parts["test"]
    assert part.texts[0] == ("무엇?", "가", "나", "다")
    assert part.targets == [1, 2]


@pytest.mark.parametrize(
    ("kind", "ending", "text", "words"),
    [
        (
            "tokens",
            ".jsonl",
            lines({"text": "가나", "label": [[1, 3, "OG"]]}),
            "does not lie in its text",
        ),
        (
            "tokens",
            ".jsonl",
            lines({"text": "가", "label": [[0, 1, "A"], [0, 1, "B"]]}),
            "overlaps",
        ),
        ("tokens", ".tsv", "가\tX-OG\n", "no unit with its tag"),
        ("tokens", ".tsv", "가\tO\n나\tO\n", "no entity"),
        ("qa", ".json", squad(5, "서울"), "item 1: the answer '서울' does not stand at 5"),
        ("qa", ".json", "[]", "not as SQuAD"),
        ("choice", ".jsonl", lines({"text": "가", "choices": ["a", "b"], "label": 2}), "below 2"),
        ("regression", ".csv", "text,label\n가,삼\n", "'삼' is no number"),
        ("regression", ".csv", "text,label\n가,1\n나,1\n", "same; there is nothing to learn"),
        ("classification", ".jsonl", '{"text": "가", "label": 1}\n{"te', "item 2: not JSON"),
        ("classification", ".csv", "text,class\n가,1\n", "no 'label'; its keys are text, class"),
        ("classification", ".xlsx", "", "unknown ending"),
        ("classification", ".csv", "text,label\n", "train split has no labelled item"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_item(read, kind, ending, text, words):
    with pytest.raises(InputError, match=words):
        read(kind, ending, text)
