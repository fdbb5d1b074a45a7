"""The two passes over the files of a capture: collect all that is personal, then write each file without it.

Memory holds one item, and the distinct personal values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson
from msgspec import Struct

from vendorsim.captures.files import Item, Kind, Skip, Skipped, har_envelope
from vendorsim.captures.scrubbing.scrubber import Scrubber
from vendorsim.captures.scrubbing.staging import StagedFiles
from vendorsim.core.errors import InputError

Progress = Callable[[int, int], None]
"""(pass 1 or 2, items so far)"""


class ScrubbedFile(Struct, frozen=True):
    """A file to scrub. `items` reads it, each time from its beginning. `name` stands for it in messages, `path` is
    where it is. `target` gives the path of the new file, when names are known that it must not have."""

    name: str
    path: str
    items: Callable[[Skip], Iterator[Item]]
    target: Callable[[Scrubber], str]


class Written(NamedTuple):
    """A file that was written, and its number of items."""

    file: str
    output: str
    items: int


def collect(scrubber: Scrubber, sources: Sequence[ScrubbedFile], skip: Skip, progress: Progress) -> dict[str, Any]:
    """First pass. Returns what the HAR files among the sources have beside entries, by path. `skip` is told what can't
    be read. Raises InputError if there is nothing that can."""
    envelopes: dict[str, Any] = {}
    skipped: list[Skipped] = []

    def note(what: Skipped) -> None:
        skipped.append(what)
        skip(what)

    count = 0
    for source in sources:
        kind = None
        for item in source.items(note):
            kind = item.kind
            scrubber.collect(item)
            count += 1
            progress(1, count)
        if kind is Kind.HAR_ENTRY:
            envelopes[source.path] = har_envelope(source.path)
            scrubber.around(envelopes[source.path], writing=False)
    if not count:
        raise InputError("\n".join(map(str, skipped)) or f"{sources[0].name}: there is nothing in it")
    return envelopes


def write(
    scrubber: Scrubber,
    sources: Sequence[ScrubbedFile],
    envelopes: dict[str, Any],
    staged: StagedFiles,
    progress: Progress,
) -> list[Written]:
    """Second pass. Raises RemainsError if something personal would be left in a file."""
    files: list[Written] = []
    before = 0
    for source in sources:
        target = source.target(scrubber)
        envelope = scrubber.around(envelopes.get(source.path, {}), writing=True)
        count = 0
        with staged.open(target) as stream:
            for count, (item, data) in enumerate(_scrubbed(scrubber, source), 1):
                opening, between, closing = _frame(item.kind, envelope)
                stream.write(between if count > 1 else opening)
                stream.write(data)
                progress(2, before + count)
            if count:
                stream.write(closing)
        before += count
        files.append(Written(source.name, target, count))
    return files


def _scrubbed(scrubber: Scrubber, source: ScrubbedFile) -> Iterable[tuple[Item, bytes]]:
    for item in source.items(lambda skipped: None):
        yield item, scrubber.write(item)


def _frame(kind: Kind, envelope: Any) -> tuple[bytes, bytes, bytes]:
    """What stands before the first item of a file, between two items and after the last one. `envelope` is the log of a
    HAR without its entries."""
    if kind is Kind.HAR_ENTRY:
        head = orjson.dumps(envelope)[:-1]
        return b'{"log":' + head + (b"," if len(head) > 1 else b"") + b'"entries":[\n', b",\n", b"\n]}}\n"
    if kind is Kind.ARRAY_ITEM:
        return b"[\n", b",\n", b"\n]\n"
    if kind is Kind.RAW:
        return b"", b"", b""
    return b"", b"\n", b"\n"
