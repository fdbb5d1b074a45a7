"""`vendorsim capture scrub`: removes personal data from captures."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vendorsim.cli import options
from vendorsim.core.errors import InputError
from vendorsim.reporting.console import messages, print_json, results, table

if TYPE_CHECKING:
    from vendorsim.captures.files import Item, Skip, Skipped
    from vendorsim.captures.scrubbing.passes import ScrubbedFile, Written
    from vendorsim.captures.scrubbing.scrubber import Scrubber

# So many items are between two lines of progress.
_STEP = 10_000
_MOST_ROWS = 40


@click.command("scrub", cls=options.Command)
@options.vendor
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("-o", "--output", metavar="OUT", required=True, help="File to write; a folder, if there are several.")
@click.option("--keep", metavar="P", multiple=True, help="Keep this field: a JSON pointer or a name; repeatable.")
@click.option("--replace", metavar="P", multiple=True, help="Replace this field, whatever it holds; repeatable.")
@click.option("--ids", is_flag=True, help="Replace ids, too.")
@click.option("--text", "texts", is_flag=True, help="Replace the texts that people wrote as a whole.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Seed of made-up values; default: a new one each time.")
@click.option("--report", metavar="FILE", help="Write what was replaced, by place, as JSON.")
@options.json_output
def command(
    vendor: str,
    profile: str | None,
    files: tuple[str, ...],
    output: str,
    keep: tuple[str, ...],
    replace: tuple[str, ...],
    ids: bool,
    texts: bool,
    seed: int | None,
    report: str | None,
    as_json: bool,
) -> int:
    """Write each FILE again without personal data, in the same form.

    A FILE is a HAR, JSON Lines, JSON, raw requests or a journal. A folder means its files, - is standard input. Names,
    mail addresses, telephone numbers, IP addresses, tokens, cookies and the addresses of pictures and files are
    replaced: the same one by the same made-up one everywhere, also in texts, URLs and headers. The output is searched
    for all of them before it is written. Exit code 1: one was left, and nothing was written.

    \b
    vendorsim capture scrub hooks.har --vendor smartsupp -o clean.har
    """
    from vendorsim.captures.scrubbing import passes
    from vendorsim.captures.scrubbing.schemas import Schemas
    from vendorsim.captures.scrubbing.scrubber import Choices, Scrubber
    from vendorsim.captures.scrubbing.staging import STDOUT, StagedFiles
    from vendorsim.vendorkit import registry

    if as_json and output == STDOUT:
        raise click.UsageError("--json and -o - both print on standard output; write the capture into a file")
    known = registry.get(vendor)
    chosen = known.profile(profile)
    scrubber = Scrubber(
        Schemas(known, chosen.name), Choices(keep, replace, ids, texts), secrets.randbits(63) if seed is None else seed
    )
    skipped: list[Skipped] = []

    def skip(what: Skipped) -> None:
        skipped.append(what)
        if what.unreadable:
            messages().print(f"left out: {what}", markup=False)

    with ExitStack() as stack, StagedFiles() as staged:
        sources = _sources(files, output, skip, stack)
        envelopes = passes.collect(scrubber, sources, skip, _progress)
        written = passes.write(scrubber, sources, envelopes, staged, _progress)
        document = _document(vendor, chosen.name, written, scrubber, skipped)
        if report is not None:
            _add_report(staged, report, document)
        staged.commit()
    if as_json:
        print_json(document)
    elif output != STDOUT:
        _print(document)
    for text in scrubber.unused():
        messages().print(f"note: the capture has no field {text}", markup=False)
    return 0


def _add_report(staged: Any, path: str, document: dict[str, Any]) -> None:
    import orjson

    with staged.open(path) as stream:
        stream.write(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")


def _sources(files: tuple[str, ...], output: str, skip: Skip, stack: ExitStack) -> list[ScrubbedFile]:
    """The files to scrub. Raises InputError for an output that is one of them, or can't hold them."""
    from vendorsim.captures.files import paths
    from vendorsim.captures.scrubbing.passes import ScrubbedFile

    in_folder = len(files) > 1 or any(os.path.isdir(file) for file in files) or os.path.isdir(output)
    if in_folder and (output == "-" or os.path.isfile(output)):
        raise InputError(f"{output}: several files need a folder; name one with -o")
    found = []
    for given in files:
        for name in paths([given], skip):
            path = _spooled(stack) if name == "-" else name
            inside = os.path.relpath(name, given) if os.path.isdir(given) else os.path.basename(name)
            if os.path.exists(output) and not in_folder and os.path.samefile(path, output):
                raise InputError(f"{output}: is the capture itself; write into another file")
            target = _in_folder(output, "stdin" if name == "-" else inside) if in_folder else _named(output)
            found.append(ScrubbedFile(name, path, _reader(path, name, stack), target))
    if not found:
        raise InputError(f"{', '.join(files)}: there is no capture")
    return found


def _named(output: str) -> Callable[[Scrubber], str]:
    return lambda scrubber: output


def _in_folder(folder: str, inside: str) -> Callable[[Scrubber], str]:
    """The path of a new file in a folder. The names of files may have names of persons in them, too."""

    def target(scrubber: Scrubber) -> str:
        parts = [str(part).replace("/", "-") for part in scrubber.around(inside.split(os.sep), writing=True)]
        return os.path.join(folder, *parts)

    return target


def _spooled(stack: ExitStack) -> str:
    """Standard input as a temporary file: it is read twice."""
    handle, path = tempfile.mkstemp(prefix="vendorsim-")
    stack.callback(os.unlink, path)
    with os.fdopen(handle, "wb") as stream:
        shutil.copyfileobj(sys.stdin.buffer, stream)
    return path


def _reader(path: str, name: str, stack: ExitStack) -> Callable[[Skip], Iterator[Item]]:
    from vendorsim.captures.files import items_of, opened
    from vendorsim.journal.exchanges import is_journal

    def items(skip: Skip) -> Iterator[Item]:
        if path != "-" and is_journal(path):
            yield from _journal_items(path)
            return
        with opened(path, name) as stream:
            yield from items_of(stream, name, skip)

    return items


def _journal_items(path: str) -> Iterator[Item]:
    """The attempts and calls of a journal, as it is exported."""
    import orjson

    from vendorsim.captures.files import Item, Kind
    from vendorsim.journal.documents import attempt_document, call_document
    from vendorsim.journal.store import Journal

    journal = Journal(Path(path), must_exist=True)
    try:
        for make, rows in ((attempt_document, journal.attempts(None)), (call_document, journal.calls(None))):
            for row in rows:
                document = make(row)
                yield Item(f"{path}#{document['id']}", Kind.LINE, document, orjson.dumps(document))
    finally:
        journal.close()


def _progress(number: int, count: int) -> None:
    if count % _STEP == 0:
        messages().print(f"pass {number} of 2: {count:,} {'read' if number == 1 else 'written'}")


def _document(
    vendor: str, profile: str, written: list[Written], scrubber: Scrubber, skipped: list[Skipped]
) -> dict[str, Any]:
    replaced = scrubber.replaced()
    totals: Counter[str] = Counter()
    for each in replaced:
        totals[each.kind] += each.times
    return {
        "vendor": vendor,
        "profile": profile,
        "files": [each._asdict() for each in written],
        "totals": dict(sorted(totals.items())),
        "replaced": [
            {"where": each.where, "pointer": each.pointer, "kind": each.kind, "count": each.times} for each in replaced
        ],
        "skipped": [{"place": each.place, "reason": each.reason, "unreadable": each.unreadable} for each in skipped],
    }


def _print(document: dict[str, Any]) -> None:
    rows = table("where", "pointer", "kind", "count")
    for row in document["replaced"][:_MOST_ROWS]:
        rows.add_row(*(str(row[key]) for key in ("where", "pointer", "kind", "count")))
    if document["replaced"]:
        results().print(rows, markup=False)
    if len(document["replaced"]) > _MOST_ROWS:
        click.echo(f"and {len(document['replaced']) - _MOST_ROWS} more places; --report FILE has all of them")
    total = sum(document["totals"].values())
    for file in document["files"]:
        noun = "item" if file["items"] == 1 else "items"
        click.echo(f"{file['output']}: {file['items']} {noun}")
    click.echo(f"{total} values replaced" if total != 1 else "1 value replaced")
