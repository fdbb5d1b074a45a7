"""Runs the benchmarks and writes `benchmarks/results.json`, `docs/benchmarks.md` and its plots. Asserts nothing.

    python benchmarks/run.py [PART ...] [--rounds N] [--minutes N] [--seeds N] [--events N] [--quick] [--no-install]

Without a PART, all run except those that take long: the soak, the verdicts and the project's own tests. Other parts
keep their last results.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import machine
import page
import peers
import plots
from results import Effort, Part, part

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
PAGE = HERE.parent / "docs" / "benchmarks.md"
IMAGES = HERE.parent / "docs" / "images"
# In the order of the page. Each is a module in this folder, with `measure(effort) -> Part`.
PARTS = (
    "generate",
    "scaling",
    "startup",
    "suite",
    "answering",
    "delivery",
    "load",
    "checking",
    "recording",
    "waiting",
    "workbench",
    "scrubbing",
    "drift",
    "soak",
    "verdicts",
    "testing",
)
LONG = ("soak", "verdicts", "testing")
NEED_LINUX = ("scaling", "suite", "answering", "delivery", "load", "waiting", "workbench", "soak")


def alone(name: str) -> None:
    """Runs one part; each part's own script calls this."""
    main([name, *sys.argv[1:]])


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the soak")
    parser.add_argument("--seeds", type=int, default=1, help="seeds with which correct receivers are checked")
    parser.add_argument("--events", type=int, default=10_000, help="captured events that are scrubbed and compared")
    parser.add_argument("--quick", action="store_true", help="trial run: measure little and write nothing")
    parser.add_argument("--no-install", action="store_true", help="don't install the peers")
    given = parser.parse_args(arguments)
    if not given.no_install:
        for failure in peers.install():
            print(failure, file=sys.stderr)
    effort = Effort(given.rounds, False, given.minutes, given.seeds, given.events)
    if given.quick:
        effort = Effort(1, True, 0.25, given.seeds, 2_000)
    # Written after each part, so that an aborted run loses only one part.
    for name in given.parts or [name for name in PARTS if name not in LONG]:
        try:
            found = measured(name, effort)
        except (Exception, SystemExit) as error:
            print(f"{name}: {error!r}", file=sys.stderr)
            continue
        if given.quick:
            print("\n".join([*page.section(found), "", *page.goals(found.goals), ""]))
        else:
            keep(found)


def measured(name: str, effort: Effort) -> Part:
    """Measures one part."""
    print(f"{name} ...", file=sys.stderr, flush=True)
    began, busy = time.monotonic(), machine.busy()
    if sys.platform != "linux" and name in NEED_LINUX:
        found = Part(name, name.capitalize(), notes=["Not measured: it needs Linux (/proc, epoll)."])
    else:
        measure: Callable[[Effort], Part] = import_module(name).measure
        found = measure(effort)
    found.quick, found.rounds = effort.quick, found.rounds or effort.rounds
    rounds = "once" if found.rounds == 1 else f"{found.rounds} rounds"
    found.date = f"{datetime.now(UTC):%Y-%m-%d}, {rounds}, load average before: {busy:.1f}"
    print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return found


def keep(found: Part) -> None:
    """Stores one part with the other parts, and writes the page."""
    before = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"parts": {}}
    documents = before["parts"] | {found.name: found.document()}
    parts = {name: documents[name] for name in PARTS if name in documents}
    size, versions = machine.size(), machine.versions()
    document = {"machine": size, "versions": versions, "parts": parts}
    RESULTS.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    for plot in found.plots:
        (IMAGES / plot.file).write_text(plots.drawn(plot))
    write_page(page.rendered([part(each) for each in parts.values()], size, versions))


def write_page(generated: str) -> None:
    """Replaces the text between the markers of the page."""
    text = PAGE.read_text()
    before, _, rest = text.partition(page.BEGIN)
    _, _, after = rest.partition(page.END)
    PAGE.write_text(f"{before}{page.BEGIN}\n\n{generated}\n{page.END}{after}")


if __name__ == "__main__":
    main()
