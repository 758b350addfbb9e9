"""Tables and JSON become pages that can be read in a report."""

from __future__ import annotations

import re

from malmoi.report.pages import write_pages


def cells(page: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", page)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def test_numbers_are_shortened_and_names_kept(tmp_path):
    table = tmp_path / "sums.csv"
    table.write_text(
        'shard,bytes_read,share,says\n0001,1234567,0.123456,"<b>, ""말"""\n0002,,1e-05,\n', "utf-8"
    )
    write_pages([table], [tmp_path / "pages" / "sums.html"])
    page = (tmp_path / "pages" / "sums.html").read_text("utf-8")
    assert cells(page) == [
        ["shard", "bytes_<wbr>read", "share", "says"],
        ["0001", "1,234,567", "0.1235", "&lt;b&gt;, &quot;말&quot;"],
        ["0002", "", "1e-05", ""],
    ]
    assert page.count('class="number"') == 6
    assert "sums.csv" in page


def test_a_column_with_one_word_is_of_words(tmp_path):
    table = tmp_path / "peaks.csv"
    table.write_text("stage,peak\na,12345.6\nb,NA\n")
    write_pages([table], [tmp_path / "peaks.html"])
    assert cells((tmp_path / "peaks.html").read_text())[1:] == [["a", "12345.6"], ["b", "NA"]]


def test_a_wide_table_lies_on_its_side(tmp_path):
    (tmp_path / "wide.csv").write_text(
        "".join(",".join(f"{kind}{at}" for at in range(13)) + "\n" for kind in ("name", "", ""))
    )
    write_pages([tmp_path / "wide.csv"], [tmp_path / "wide.html"])
    rows = cells((tmp_path / "wide.html").read_text())
    assert rows == [[f"name{at}", str(at), str(at)] for at in range(13)]


def test_json_stands_as_it_is(tmp_path):
    (tmp_path / "a.json").write_text('{"a": "<말>"}\n', "utf-8")
    write_pages([tmp_path / "a.json"], [tmp_path / "a.html"])
    assert "<pre>{&quot;a&quot;: &quot;&lt;말&gt;&quot;}\n</pre>" in (
        tmp_path / "a.html"
    ).read_text("utf-8")
