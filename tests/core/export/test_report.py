"""A report is whole by itself: nothing is fetched, tables have heads, and people's words are never markup."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from html.parser import HTMLParser

import pytest

from core.export.report import Document, Dots, Lines, Point, Section, Table, as_csv, bundle, methods_text
from core.export.report_html import html, shown
from core.export.report_words import catalogue, say

EVIL = "<script>alert(1)</script>"
TABLE = Table(
    name="labels", title="標籤", heads=("標籤", "n", "F1", "註"),
    rows=((EVIL, 1200, 0.51234, None), ("=SUM(A1)", 3, None, "+1")),
)  # fmt: skip
DOTS = Dots(
    title="F1", names=("甲", EVIL), axis="F1",
    series=(("student", (Point(value=0.5, low=0.4, high=0.6), None)), ("linear", (None, Point(value=0.2, faint=True)))),
)  # fmt: skip
LINES = Lines(
    title="rounds", x="round", y="F1",
    series=(("student", ((1, Point(value=0.1, low=0.0, high=0.2)), (2, Point(value=0.9, low=0.8, high=1.0)))),),
)  # fmt: skip


def document(lang: str = "zh", **changes: object) -> Document:
    given: dict = {
        "lang": lang, "title": f"報告 {EVIL}", "facts": (("專案", "p"),), "methods": (("資料", ("一句。",)),),
        "sections": (Section(title="甲", sentences=("話 & 話",), pictures=(DOTS, LINES), tables=(TABLE,)),),
    }  # fmt: skip
    return Document(**(given | changes))


class Reader(HTMLParser):
    """Notes elements with their attributes, and that each is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    assert not reader.open
    return reader


@pytest.mark.parametrize("lang", ["zh", "hans", "en"])
def test_nothing_is_fetched_and_nothing_of_peoples_is_markup(lang: str) -> None:
    page = html(document(lang))
    found = parsed(page).seen
    assert {tag for tag, _ in found} & {"script", "link", "img", "iframe", "object", "image", "use"} == set()
    assert not [a for _, a in found if "src" in a or str(a.get("href", "#"))[:1] != "#"]
    assert not re.search(r"url\(|@import", page)
    assert page.count("http") == page.count('xmlns="http://www.w3.org/2000/svg"') + page.count("http-equiv")
    assert "alert(1)" in page
    assert page.startswith("<!doctype html>")


def test_tables_have_heads_and_pictures_words() -> None:
    found = parsed(html(document())).seen
    scopes = [attrs.get("scope") for tag, attrs in found if tag == "th"]
    assert scopes == ["col"] * 4 + ["row"] * 2
    assert [tag for tag, _ in found].count("caption") == 1
    pictures = [attrs for tag, attrs in found if tag == "svg"]
    assert [each["aria-label"] for each in pictures] == ["F1", "rounds"]
    targets = {str(attrs["href"])[1:] for tag, attrs in found if tag == "a"}
    assert targets == {attrs["id"] for _, attrs in found if "id" in attrs}


def test_a_dot_is_drawn_for_each_figure_and_none_where_there_is_none() -> None:
    found = parsed(html(document(sections=(Section(title="甲", pictures=(DOTS,)),)))).seen
    groups = [attrs["opacity"] for tag, attrs in found if tag == "g"]
    assert groups == ["1", "0.4"]


def test_cells_are_shown_as_people_read_them() -> None:
    assert [shown(cell, 2) for cell in (None, 1234, 0.456, "x")] == ["–", "1,234", "0.46", "x"]


def test_a_long_table_is_cut_on_the_page_and_whole_in_the_file() -> None:
    long = Table(name="t", title="t", heads=("a", "b"), rows=tuple((str(n), n) for n in range(9)), shown=3)
    page = html(document(sections=(Section(title="s", tables=(long,)),)))
    assert page.count('scope="row"') == 3
    assert "tables/t.csv" in page
    assert len(list(csv.reader(io.StringIO(as_csv(long).decode("utf-8-sig"))))) == 10


def test_a_csv_is_read_back_and_no_cell_is_a_formula() -> None:
    raw = as_csv(TABLE)
    assert raw.startswith(b"\xef\xbb\xbf")
    read = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))
    assert read == [["標籤", "n", "F1", "註"], [EVIL, "1200", "0.51234", ""], ["'=SUM(A1)", "3", "", "'+1"]]


def test_the_zip_holds_every_form_and_is_the_same_each_time() -> None:
    made = bundle(document())
    assert made == bundle(document())
    with zipfile.ZipFile(io.BytesIO(made)) as found:
        assert found.namelist() == ["README.txt", "report.html", "methods.md", "tables/labels.csv"]
        assert found.read("report.html").decode() == html(document())
        assert found.read("methods.md").decode() == methods_text(document())
        assert "tables/labels.csv" in found.read("README.txt").decode()


EVIL_NAMES = (
    "<b>x</b>", "**x**", "# x", "- x", "1. x", "[a](http://b)", "![i](x)", "`x`", "x_y_z", "a\n\n# b", "&lt;", "a | b",
    "~~x~~", "+ x", "www.x.y", "https://x.y", "a@b.c", "=====", "\\", "$x$",
)  # fmt: skip


@pytest.mark.parametrize("name", EVIL_NAMES)
def test_the_methods_are_markdown_in_which_peoples_words_are_no_markup(name: str) -> None:
    text = methods_text(document(title=name, methods=((name, (name, f"{name}：定義")),)))
    lines = [line.split(" ", 1) for line in text.split("\n") if line]
    assert [start for start, _ in lines] == ["#", "##", "-", "-"]
    for _, line in lines:
        alive = re.sub(r"\\.", "", line)  # what is left once each escaped sign is gone
        assert not re.search(r"[\\`*_\[\]<>&#|~$!@]|https?:|www\.", alive), line
        assert not re.match(r"\d*[-+=.)]", line)
        assert re.sub(r"\\(.)", r"\1", line).startswith(" ".join(name.split()))


def test_every_entry_is_there_in_both_languages_with_the_same_fields() -> None:
    for key, entry in catalogue().items():
        fields = {lang: set(re.findall(r"{(\w+)}", entry[lang])) for lang in ("zh", "en")}
        assert fields["zh"] == fields["en"], key
        assert say(key, "hans", **dict.fromkeys(fields["zh"], "x"))
