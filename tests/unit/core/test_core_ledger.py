"""The ledger tells every loss, doubling and change, whatever else happens to hide it."""

import random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from malmoi import ledger

STAGES = ("ingest", "normalize", "filter")


@st.composite
def runs(draw):
    """Ledger rows of a run in which nothing got lost."""
    sizes = {f"d{n}": size for n, size in enumerate(draw(st.lists(st.integers(0, 9), max_size=8)))}
    rows = [
        ledger.row("ingest", "s", raw_path=f"r{n}", status="quarantined", reason="locked")
        for n in range(draw(st.integers(0, 2)))
    ]
    for stage in STAGES:
        for doc_id, size in list(sizes.items()):
            if draw(st.booleans()):
                left = draw(st.integers(0, size + 2))
                sizes[doc_id] = left
                rows.append(ledger.row(stage, "s", doc_id=doc_id, chars_in=size, chars_out=left))
            else:
                del sizes[doc_id]
                rows.append(
                    ledger.row(
                        stage, "s", doc_id=doc_id, status="filtered", reason="x", chars_in=size
                    )
                )
    return rows


def table(rows: list[dict]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=ledger.SCHEMA)


def kept(doc_id: str, stage: str, chars_in: int = 5, chars_out: int = 5, **more: int) -> dict:
    return ledger.row(stage, "s", doc_id=doc_id, chars_in=chars_in, chars_out=chars_out, **more)


@given(runs(), st.randoms(use_true_random=False))
def test_a_run_that_lost_nothing_balances_in_any_order(rows, chance):
    chance.shuffle(rows)
    ledger.check(table(rows), STAGES)


@given(runs(), st.data())
def test_removing_any_row_of_a_document_that_was_passed_on_is_told(rows, data):
    after = {(row["doc_id"], row["stage"]) for row in rows}
    passed_on = [
        row
        for row in rows
        if row["doc_id"]
        and (
            row["stage"] != "ingest" or any((row["doc_id"], stage) in after for stage in STAGES[1:])
        )
    ]
    if passed_on:
        rows.remove(data.draw(st.sampled_from(passed_on)))
        with pytest.raises(ledger.LedgerError):
            ledger.check(table(rows), STAGES)


@given(runs(), st.data())
def test_doubling_any_identified_row_is_told(rows, data):
    identified = [row for row in rows if row["doc_id"]]
    if identified:
        rows.append(data.draw(st.sampled_from(identified)))
        with pytest.raises(ledger.LedgerError, match="several rows"):
            ledger.check(table(rows), STAGES)


def test_a_loss_cannot_hide_behind_a_gain():
    rows = [
        kept("a", "ingest"),
        kept("b", "ingest"),
        kept("a", "normalize"),
        kept("c", "normalize"),
    ]
    with pytest.raises(ledger.LedgerError, match="normalize: 1 documents never arrived and 1 came"):
        ledger.check(table(rows), ("ingest", "normalize"))


@pytest.mark.parametrize("unit", ["chars", "tokens"])
def test_characters_and_tokens_are_compared_per_document(unit):
    rows = [
        kept("a", "ingest", **{f"{unit}_out": 7}),
        kept("b", "ingest", **{f"{unit}_out": 9}),
        kept("a", "normalize", **{f"{unit}_in": 9}),
        kept("b", "normalize", **{f"{unit}_in": 7}),
    ]
    with pytest.raises(ledger.LedgerError, match=f"{unit}_in differs .* for 2 documents"):
        ledger.check(table(rows), ("ingest", "normalize"))


def test_a_stage_that_wrote_nothing_is_told():
    with pytest.raises(ledger.LedgerError, match="filter: 1 documents never arrived"):
        ledger.check(table([kept("a", "ingest"), kept("a", "normalize")]), STAGES)


def test_a_stage_nobody_named_is_told():
    with pytest.raises(ledger.LedgerError, match="unknown stages: tokenise"):
        ledger.check(table([kept("a", "tokenise")]), STAGES)


def test_stages_side_by_side_are_each_given_what_the_one_before_kept():
    stages = ("tokenize", ("instances-128", "instances-512"))
    rows = [
        kept("a", "tokenize", tokens_out=9),
        kept("a", "instances-128", tokens_in=9, tokens_out=8),
        kept("a", "instances-512", tokens_in=9, tokens_out=9),
    ]
    ledger.check(table(rows), stages)
    assert ledger.summarise(table(rows), stages)["stage"].tolist() == [
        "tokenize",
        "instances-128",
        "instances-512",
    ]
    with pytest.raises(ledger.LedgerError, match="instances-512: 1 documents never arrived"):
        ledger.check(table(rows[:2]), stages)
    with pytest.raises(ValueError, match="only the last"):
        ledger.check(table(rows), stages[::-1])


def test_a_kept_document_without_an_id_is_told():
    rows = [kept("", "ingest"), kept("", "ingest"), kept("", "normalize")]
    with pytest.raises(ledger.LedgerError, match="ingest: 2 kept documents have no id"):
        ledger.check(table(rows), ("ingest", "normalize"))


def test_a_dropped_document_with_an_output_is_told():
    bad = {**kept("a", "ingest"), "status": "filtered", "reason": "x"}
    with pytest.raises(ledger.LedgerError, match="ingest: 1 dropped documents have an output"):
        ledger.check(table([bad]), ("ingest",))


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "lost"},
        {"status": "filtered"},
        {"status": "filtered", "reason": "x", "chars_out": 1},
        {"status": "duplicate", "reason": "x", "tokens_out": 1},
    ],
)
def test_a_row_that_contradicts_itself_is_refused(wrong):
    with pytest.raises(ValueError, match=r"ledger status|needs a reason"):
        ledger.row("filter", "s", doc_id="a", **wrong)


@given(runs())
def test_the_shares_of_a_stage_sum_to_one(rows):
    summary = ledger.summarise(table(rows), STAGES)
    assert summary["documents"].sum() == len(rows)
    assert summary["chars_in"].sum() == sum(row["chars_in"] for row in rows)
    for _, stage in summary.groupby("stage"):
        assert stage["documents_share"].sum() == pytest.approx(1)
        chars = stage["chars_in"].sum()
        assert stage["chars_share"].sum() == pytest.approx(1 if chars else 0)
        lost = stage.loc[stage["status"] != "kept", "chars_in"].sum()
        assert chars == stage["chars_out"].sum() + stage["chars_repaired"].sum() + lost
    assert list(summary["stage"].unique()) == [
        stage for stage in STAGES if any(row["stage"] == stage for row in rows)
    ]


def test_details_after_a_colon_do_not_split_a_reason():
    rows = [
        ledger.row("ingest", "s", raw_path=str(n), status="quarantined", reason=reason)
        for n, reason in enumerate(["locked", "locked: a.hwp", "locked:b.hwp", "empty"])
    ]
    summary = ledger.summarise(table(rows), STAGES)
    assert dict(zip(summary["reason"], summary["documents"], strict=True)) == {
        "empty": 1,
        "locked": 3,
    }


def test_rows_come_back_in_the_order_of_the_files(tmp_path):
    rows = [kept(f"d{number}", "filter") for number in range(6)]
    random.Random(1).shuffle(rows)
    ledger.write(tmp_path / "b.parquet", rows[:4])
    ledger.write(tmp_path / "a.parquet", rows[4:])
    assert ledger.read([tmp_path / "b.parquet", tmp_path / "a.parquet"]).to_pylist() == rows
