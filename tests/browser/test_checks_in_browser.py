"""Checks on the page: started, watched, understood, run again, compared, and opened from files, by clicking."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from doubling_desk import DoublingDesk, doubling_desk
from playwright.sync_api import Page, expect
from receiver import Connection, Receiver, Request, status
from thorough import few_of
from vendorsim.checks.waiting import Waiting
from vendorsim.cli.served_checks import ServedChecks
from vendorsim.server.control.settings import Settings
from workbench import Workbench, axe_violations

pytestmark = pytest.mark.slow

# The desk answers at once, and what is stored is stored before the answer.
HASTY = Waiting(state=0.1, quiet=1.0, rounds=0.0, settle=1.0, retry=2.0)


@pytest.fixture
def settings() -> Settings:
    return Settings(checker=partial(ServedChecks, waiting=HASTY))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DoublingDesk]:
    with doubling_desk(tmp_path, monkeypatch) as running:
        yield running


def finished(page: Page, result: str) -> None:
    """Waits until the check that is shown has ended so."""
    expect(page.locator("main .heading [data-test=result]")).to_have_text(result)


def checked(bench: Workbench, **wanted: Any) -> dict[str, Any]:
    """A check that was started without the page, as soon as it is over."""
    number = bench.call("POST", "/checks", wanted)["id"]
    while (check := bench.call("GET", f"/checks/{number}"))["status"] == "running":
        bench.page.wait_for_timeout(50)
    found: dict[str, Any] = check
    return found


def report_of(bench: Workbench, check: dict[str, Any]) -> str:
    return json.dumps(bench.call("GET", f"/checks/{check['id']}/report"))


def test_a_bug_is_found_understood_mended_and_compared(bench: Workbench, desk: DoublingDesk) -> None:
    page = bench.open("#/checks")
    expect(page.locator("[data-test=empty]")).to_contain_text("No checks yet")
    page.locator("[data-test=new-check]").click()
    page.get_by_label("Vendor", exact=True).select_option("chatvisor")
    page.get_by_label("Send to").fill(desk.to)
    page.get_by_label("Probe").fill(desk.probe)
    page.get_by_text("More", exact=True).click()
    page.get_by_label("Only", exact=True).fill("accepts.typical, idempotent")
    page.locator("[data-test=start]").click()
    expect(page).to_have_url(re.compile(r"#/checks/1$"))
    finished(page, "failed")
    expect(page.locator("[data-test=sentence]")).to_contain_text("1 thing to fix.")

    # What is wrong, with what was expected and found, and what to do.
    finding = page.locator("[data-test=finding]")
    expect(finding).to_have_count(1)
    expect(finding).to_have_attribute("open", "")
    expect(finding.locator("summary").first).to_contain_text("/messages has")
    expect(finding).to_contain_text("What to change:")
    expect(finding.locator("tbody tr").first).to_contain_text("/messages")

    finding.locator("[data-test=case-again]").click()
    expect(finding).to_contain_text("It still fails.")
    desk.mended = True
    finding.locator("[data-test=case-again]").click()
    expect(finding).to_contain_text("It passes now.")

    page.locator("[data-test=again]").click()
    expect(page.locator("main h1")).to_have_text(re.compile(r"Check 4"))
    finished(page, "passed")
    expect(page.locator("[data-test=comparison]")).to_contain_text("Compared with check 1: 1 fixed")
    expect(page.locator("[data-test=sentence]")).to_contain_text("Nothing to fix in what was judged.")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Checks").click()
    expect(page.locator("[data-test=check]")).to_have_count(4)


def test_beside_a_pass_it_says_what_was_not_looked_at(bench: Workbench, target: Receiver) -> None:
    check = checked(
        bench, vendor="userlike", to=target.url(), only=["accepts.typical", "retry_safe", "calls_api", "fuzz"]
    )
    page = bench.open(f"#/checks/{check['id']}")
    finished(page, "passed")
    told = page.locator("[data-test=not-looked-at]")
    expect(told).to_have_attribute("open", "")
    expect(told).to_contain_text("tolerates, rejects, authenticates, effects")
    expect(told).to_contain_text("not selected")
    expect(told).to_contain_text("retry_safe: there is no probe")
    expect(told).to_contain_text("Here: fill in Probe.")
    expect(told).to_contain_text("calls_api: give --serve PORT")
    expect(told).to_contain_text("Here: tick “fuzz”.")


def test_a_check_is_watched_and_cancelled(bench: Workbench) -> None:
    held = threading.Event()

    def answer(connection: Connection, request: Request) -> None:
        if b"chunked" in request.head:
            held.wait(20)
        connection.send(status(200))

    with Receiver(answer) as slow:
        wanted = {"vendor": "smartsupp", "to": slow.url(), "only": ["accepts.typical", "rejects", "tolerates.chunked"]}
        number = bench.call("POST", "/checks", wanted)["id"]
        page = bench.open(f"#/checks/{number}")
        going = re.compile(r"1 of \d+ checks · \d+ s · now tolerates.chunked")
        expect(page.locator("[data-test=progress]")).to_contain_text(going)
        expect(page.locator("[data-test=all-checks]")).to_contain_text("accepts.typical")
        page.locator("[data-test=cancel]").click()
        finished(page, "cancelled")
        held.set()
    expect(page.locator("[data-test=sentence]")).to_contain_text("It was cancelled")
    expect(page.locator("[data-test=progress]")).to_be_hidden()
    expect(page.locator("[data-test=again]")).to_be_focused()
    page.locator("[data-test=all-checks] summary").click()
    expect(page.locator("[data-test=all-checks] tbody tr").filter(has_text="interrupted")).not_to_have_count(0)


def test_what_the_server_refuses_is_said_at_the_field(bench: Workbench) -> None:
    page = bench.open("#/checks/new")
    page.locator("[data-test=start]").click()
    expect(page.get_by_label("Send to")).to_be_focused()
    page.get_by_label("Send to").fill("http://192.0.2.7/hook")
    page.locator("[data-test=start]").click()
    expect(page.locator(".field:has(#check-to)")).to_contain_text("only to this machine")
    page.get_by_label("Send to").fill("http://127.0.0.1:9/hook")
    page.get_by_label("Probe").fill("command: id {conversation_id}")
    page.locator("[data-test=start]").click()
    expect(page.locator(".field:has(#check-probe)")).to_contain_text("a request can name a URL only")
    expect(page.get_by_label("Probe")).to_be_focused()
    assert bench.call("GET", "/checks")["items"] == []


def test_what_matters_most_is_the_first_finding(bench: Workbench) -> None:
    """The report has the checks in the order of their families, where `tolerates` is before `rejects`."""

    def answer(connection: Connection, request: Request) -> None:
        broken = b"chunked" in request.head or not request.body.endswith(b"}")
        connection.send(status(500 if broken else 200))

    with Receiver(answer) as receiver:
        only = ["tolerates.chunked", "rejects.broken_json"]
        check = checked(bench, vendor="smartsupp", to=receiver.url(), only=only)
    report = bench.call("GET", f"/checks/{check['id']}/report")
    assert list(dict.fromkeys(one["check"] for one in report["findings"])) == only
    page = bench.open(f"#/checks/{check['id']}")
    findings = page.locator("[data-test=finding]")
    expect(findings.first).to_contain_text("Found by rejects.broken_json")
    expect(findings.filter(has_text="error").last).to_contain_text("Found by tolerates.chunked")
    expect(findings.first).to_have_attribute("open", "")


def choose(page: Page, name: str, text: str, button: str = "report-file") -> None:
    with page.expect_file_chooser() as chooser:
        page.locator(f"button[data-test={button}]").click()
    chooser.value.set_files({"name": name, "mimeType": "application/json", "buffer": text.encode()})


def test_a_report_of_the_command_line_is_opened(bench: Workbench, target: Receiver) -> None:
    check = checked(bench, vendor="userlike", to=target.url(), only=["accepts.typical", "rejects.broken_json"])
    text = report_of(bench, check)
    page = bench.open("#/checks")
    choose(page, "main.json", text)
    expect(page.locator("main h1")).to_have_text("main.json")
    finished(page, "passed")
    expect(page.locator("[data-test=finding]")).to_contain_text("half a body")
    expect(page.locator("[data-test=case-again]")).to_have_count(0)
    # From here it is checked with the same settings, and compared.
    page.locator("[data-test=check-here]").click()
    expect(page.get_by_label("Send to")).to_have_value(target.url())
    expect(page.get_by_label("Vendor", exact=True)).to_have_value("userlike")
    expect(page.get_by_label("Compare with").locator("option:checked")).to_have_text("main.json, passed")
    # And a check is compared with the file.
    page = bench.open(f"#/checks/{check['id']}")
    choose(page, "old.json", text, "compare-file")
    expect(page.locator("[data-test=comparison]")).to_contain_text("Compared with old.json: 1 still there")
    expect(page.locator("[data-test=finding]")).to_contain_text("still there")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "there is nothing in it"),
        ("[1, 2]\n[3]", "it is not one JSON document"),
        ('{"log": {"entries": []}}', '"vendor" is a required property'),
        ("x" * 1_100_000, "larger than 1 MB"),
    ],
    ids=["empty", "no JSON", "a HAR file", "huge"],
)
def test_what_is_no_report_is_refused(bench: Workbench, text: str, told: str) -> None:
    page = bench.open("#/checks")
    choose(page, "wrong.json", text)
    expect(page.locator("[data-test=open-report] [role=alert]")).to_contain_text("wrong.json: ")
    expect(page.locator("[data-test=open-report] [role=alert]")).to_contain_text(told)
    expect(page).to_have_url(re.compile("#/checks$"))


DROP = """([text, name]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([text], name, { type: "application/json" }));
  document.querySelector("main h1").dispatchEvent(
    new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true }));
}"""


def test_a_report_is_dropped_and_pasted(bench: Workbench, target: Receiver) -> None:
    text = report_of(bench, checked(bench, vendor="userlike", to=target.url(), only=["accepts.typical"]))
    page = bench.open("#/checks")
    page.evaluate(DROP, [text, "dropped.json"])
    expect(page.locator("main h1")).to_have_text("dropped.json")
    page = bench.open("#/checks")
    page.get_by_text("Paste it instead").click()
    page.get_by_label("The report").fill(text)
    page.locator("[data-test=open-pasted]").click()
    expect(page.locator("main h1")).to_have_text("pasted text")


@pytest.mark.parametrize(("format", "begins"), [("json", '{"vendor"'), ("junit", "<?xml"), ("html", "<!doctype html>")])
def test_a_report_is_saved(bench: Workbench, target: Receiver, format: str, begins: str, tmp_path: Path) -> None:
    check = checked(bench, vendor="userlike", to=target.url(), only=["accepts.typical"])
    page = bench.open(f"#/checks/{check['id']}")
    with page.expect_download() as download:
        page.locator(f"[data-test=save-{format}]").click()
    download.value.save_as(tmp_path / "saved")
    assert (tmp_path / "saved").read_text(encoding="utf-8").startswith(begins)


def test_markup_of_a_report_is_text(bench: Workbench, target: Receiver) -> None:
    """A script that ran would open a dialog, which fails the test."""
    markup = '<img src=x onerror="alert(1)"><script>alert(2)</script>'
    check = checked(bench, vendor="userlike", to=target.url(), only=["rejects.broken_json"])
    report = bench.call("GET", f"/checks/{check['id']}/report")
    for key in ("message", "expected", "found", "remedy", "request", "answer", "reproduce", "pointer"):
        report["findings"][0][key] = markup
    page = bench.open("#/checks")
    choose(page, f"{markup}.json", json.dumps(report))
    finding = page.locator("[data-test=finding]")
    finding.locator("summary").first.click()
    expect(finding).to_contain_text(markup)
    assert page.locator("main img, main script").count() == 0


LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 860}},
    "dark, on a phone": {"color_scheme": "dark", "viewport": {"width": 360, "height": 780}},
    "light, on a phone": {"color_scheme": "light", "viewport": {"width": 360, "height": 780}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 860}},
}


@pytest.mark.parametrize("look", few_of(LOOKS.values(), 2, LOOKS))
def test_axe_finds_nothing_serious(bench: Workbench, desk: DoublingDesk) -> None:
    first = checked(bench, **desk.request)
    desk.mended = True
    checked(bench, **desk.request, against=first["id"])
    for route in ("#/checks", "#/checks/new", "#/checks/1", "#/checks/2"):
        page = bench.open(route)
        for details in page.locator("main details:not([open]) > summary").all():
            if details.is_visible():
                details.click()
        assert axe_violations(page) == [], route
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{route} is wider than the window"
