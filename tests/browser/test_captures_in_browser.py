"""Captures by clicking: record, watch, compare with the contract, make a scenario, and play it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from receiver import Receiver
from vendorsim.cli.served_captures import ServedCaptures
from vendorsim.server.control.settings import Settings
from workbench import Workbench, axe_violations

pytestmark = pytest.mark.slow


@pytest.fixture
def settings() -> Settings:
    return Settings(capturer=ServedCaptures)


def begin(bench: Workbench, target: Receiver, vendor: str, profile: str | None = None) -> str:
    """Fills in the form; returns where the recording listens."""
    page = bench.open("#/captures")
    page.locator("[data-test=new-capture]").click()
    page.locator("#capture-vendor").select_option(vendor)
    if profile is not None:
        page.locator("#capture-profile").select_option(profile)
    page.locator("#capture-forward").fill(target.url())
    page.locator("[data-test=start]").click()
    expect(page.locator("main h1")).to_contain_text("Capture")
    return page.locator("[data-test=url-0]").inner_text()


def test_from_real_traffic_to_a_scenario_that_plays(bench: Workbench, target: Receiver) -> None:
    page = bench.page
    url = begin(bench, target, "userlike")
    expect(page.locator("main")).to_contain_text("What passes appears here by itself")
    played = bench.ended(bench.play(url))["summary"]["delivered"]
    # It appears by itself, while it is recorded.
    expect(page.locator("main")).to_contain_text(f"{played} webhooks")
    row = page.locator("[data-test=conversation]")
    expect(row).to_have_count(1)
    page.locator("[data-test=stop-capture]").click()
    expect(page.locator(".heading .badge").first).to_have_text("ended")
    expect(page.locator("[data-test=drift-verdict]")).to_contain_text("no drift")
    address = page.url
    # The conversation as a diagram, without what the server itself sent.
    row.get_by_role("link").click()
    expect(page.locator("[data-test=diagram] .arrow")).to_have_count(played)
    expect(page.locator("[data-test=state]")).to_contain_text("recorded")
    page.goto(address)
    page.get_by_role("link", name="Its deliveries").click()
    expect(bench.deliveries).to_have_count(played)
    expect(bench.deliveries.filter(has_text="recorded")).to_have_count(played)
    page.goto(address)
    row.get_by_role("button", name="Make a scenario").click()
    expect(page.locator("[data-test=lint]")).to_contain_text("No problems")
    page.locator("[data-test=start-this]").click()
    page.locator("#run-to").fill(target.url())
    page.locator("[data-test=start]").click()
    expect(page.locator("main h1")).to_contain_text("Run")
    again = bench.ended(bench.call("GET", "/runs")["items"][0])
    assert again["summary"]["delivered"] == played


def test_what_drifts_is_red_first_and_without_values(bench: Workbench, target: Receiver) -> None:
    page = bench.page
    url = begin(bench, target, "messagehub", "observed-2.5")
    wanted: dict[str, Any] = {"scenario": "everyday-chat", "vendor": "messagehub", "to": url}
    bench.ended(bench.call("POST", "/runs", wanted))
    # While it is recorded, the places that break the contract are told.
    expect(page.locator("[data-test=violations] tbody tr").first).to_be_visible()
    page.locator("[data-test=compare-drift]").click()
    expect(page.locator("[data-test=drift-verdict]")).to_contain_text("failed")
    first = page.locator("[data-test=finding]").first
    expect(first).to_have_class("is-breaking")
    event = page.locator("[data-test=drift-event]").first
    event.locator("summary").click()
    expect(event.locator("tbody tr").first).to_contain_text("%")
    with_findings = event.locator("tbody tr").count()
    page.get_by_label("only fields with findings").uncheck()
    event.locator("summary").click()
    expect(event.locator("tbody tr.is-breaking")).to_have_count(with_findings)
    assert event.locator("tbody tr").count() > with_findings
    assert axe_violations(page) == []
    # A place leads to the delivery.
    first.get_by_role("link", name=re.compile("delivery")).click()
    expect(page.locator("main h1")).not_to_contain_text("Capture")
    expect(page.locator("main")).to_contain_text("Recorded")
    # Against the contract that it was played by there is no drift.
    page.go_back()
    expect(page.locator("main h1")).to_contain_text("Capture")
    page.locator("#drift-profile").select_option("documented")
    expect(page.locator("[data-test=drift-verdict]")).to_contain_text("no drift")


def test_a_captured_file_of_the_browser_is_opened(page: Page, bench: Workbench, target: Receiver) -> None:
    bench.ended(bench.play(target.url()))
    bodies = [request.body for request in target.requests]
    broken = b"\n".join([*bodies, b'{"chat_session": '])
    bench.open("#/captures")
    page.locator("[data-test=open-capture]").click()
    page.locator("#capture-vendor").select_option("userlike")
    page.locator("#capture-file").set_input_files({"name": "hooks.jsonl", "mimeType": "", "buffer": broken})
    page.locator("[data-test=open]").click()
    expect(page.locator("main h1")).to_contain_text("Capture")
    expect(page.locator("main")).to_contain_text(f"{len(bodies)} webhooks")
    # What can't be read is told with its place, and the rest is there.
    expect(page.locator("[data-test=not-read]")).to_contain_text(f"hooks.jsonl:{len(bodies) + 1}:")
    expect(page.locator("[data-test=drift-verdict]")).to_contain_text("no drift")
    page.locator("[data-test=conversation]").get_by_role("link").click()
    expect(page.locator("[data-test=diagram] .arrow")).to_have_count(len(bodies))


def test_a_file_that_is_no_capture_is_refused_at_its_field(page: Page, bench: Workbench) -> None:
    bench.open("#/captures/open")
    page.locator("[data-test=open]").click()
    expect(page.locator("#capture-file-problem")).to_contain_text("Choose a file")
    file = {"name": "hooks.json", "mimeType": "", "buffer": b'[{"a": 1}, {"b": tru}]'}
    for buffer, told in ((b"", "hooks.json: the file is empty"), (b'{"a": tru}', "hooks.json:1:")):
        page.locator("#capture-file").set_input_files(file | {"buffer": buffer})
        page.locator("[data-test=open]").click()
        expect(page.locator("#capture-file-problem")).to_contain_text(told)
    assert axe_violations(page) == []
    assert bench.call("GET", "/captures")["items"] == []


def test_a_refusal_is_told_at_the_field(page: Page, bench: Workbench) -> None:
    bench.open("#/captures/new")
    page.locator("[data-test=start]").click()
    expect(page.locator("#capture-forward-problem")).to_contain_text("http://localhost:8000/hook")
    page.locator("#capture-forward").fill("http://192.0.2.7/hook")
    page.locator("[data-test=start]").click()
    expect(page.locator("#capture-forward-problem")).to_contain_text("--allow-target 192.0.2.7")
    page.locator("#capture-forward").fill("http://127.0.0.1:9/")
    page.locator("#capture-listen").fill(str(bench.port))
    page.locator("[data-test=start]").click()
    expect(page.locator("#capture-listen-problem")).to_contain_text("in use")
