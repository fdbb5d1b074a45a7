"""The report as a page: self-contained, escaped, with charts; and the line that tells how it goes."""

from __future__ import annotations

import io
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from command_line import Vendorsim
from load.stages import written
from receiver import Receiver, status
from vendorsim.load.tally import Tally
from vendorsim.reporting.charts import Line, chart
from vendorsim.reporting.console import plain
from vendorsim.reporting.load_terminal import LiveView

HOSTILE = '<script>alert(1)</script>"&\u202e'


@pytest.fixture
def page(vendorsim: Vendorsim, tmp_path: Path) -> str:
    path = written(tmp_path, count=3)
    path.write_text(path.read_text().replace("traffic: Try", f"traffic: '{HOSTILE}'"))
    file = tmp_path / "load.html"
    with Receiver(status(500)) as target:
        ended = vendorsim("load", path, "--to", target.url(), "--policy", "retries=", "--html", file)
    assert ended.code == 1
    return file.read_text()


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing(page: str) -> None:
    assert "<script" not in page
    assert not re.search(r"(src|href)=", page)
    assert "default-src 'none'" in page


def test_what_others_wrote_is_escaped(page: str) -> None:
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&#34;&amp;\\u202e: failed</h1>" in page


def test_the_page_shows_charts_times_and_errors(page: str) -> None:
    for title in ("Requests answered and failed", "Conversations arrived and shed", "Latency"):
        assert f'aria-label="{title}"' in page
    assert "userlike chat_session.start" in page
    assert "answered 500, the vendor expects" in page
    assert page.count("<polyline") >= 6


def points(drawn: str) -> list[str]:
    return [line.attrib["points"] for line in ElementTree.fromstring(drawn).iter("polyline")]


def test_charts_break_at_gaps_and_show_single_points() -> None:
    first, second = points(chart("T", "", 1, [Line("a", "a", [0, 10, None, 5])]))
    assert first == "56.0,192.0 273.3,12.0"
    assert second.split()[0] == second.split()[1]


@pytest.mark.parametrize("values", [[], [None], [0], [0, 0]])
def test_charts_of_nothing_can_be_drawn(values: list[float | None]) -> None:
    assert len(points(chart("T", "", 1, [Line("a", "a", values)]))) == (0 if None in values or not values else 1)


def test_where_no_terminal_is_a_line_tells_how_it_goes() -> None:
    out = io.StringIO()
    moments = iter([0.0, 1.0, 6.0, 6.0])
    with LiveView(100, lambda: next(moments), plain(out)) as view:
        view.show(Tally(arrived=1), 1)
        view.show(Tally(arrived=5, shed=2, seconds=6), 3)
    line = "6 s: 5 of 100 arrived, 3 under way, 2 shed; 0 requests, 0 failed; ms p50 -, p90 -, p99 -, max -\n"
    assert out.getvalue() == line
