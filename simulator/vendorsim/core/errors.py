"""The exceptions that vendorsim raises, in one hierarchy.

::

    VendorsimError                 base of all; carries the exit code
    ├── InputError                 the user's input is wrong (exit 2)
    │   ├── DocumentError          a YAML document, with every problem and its position
    │   │   └── UnreadableFileError a file that can't be read at all: it is missing, or a folder
    │   ├── UnknownNameError       a name that does not exist, with the closest one that does
    │   ├── PayloadFileError       a captured payload that can't be read
    │   └── PackError              a vendor package is broken
    ├── MissingExtraError          an optional dependency is not installed (exit 3)
    ├── UnreachableError           the target can't be reached, or our own port is taken (exit 3)
    │   └── StateUnreachableError  the database in which servers share their state
    ├── MissingComponentError      a library or program that the command needs is not installed (exit 3)
    └── ContractError              our own body breaks its contract: a bug in vendorsim (exit 3)

Messages say where the error is, what was found, what was expected, and the closest valid name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple


# Not a struct: `vendorsim --help` needs the errors and nothing of msgspec, whose import takes a fifth of its time.
class Problem(NamedTuple):
    """One problem in a document. `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class VendorsimError(Exception):
    """Base of all errors that vendorsim raises. `exit_code` is the exit code of the command line."""

    exit_code = 2


class InputError(VendorsimError):
    """The user's input is wrong; the message says what to change."""


class DocumentError(InputError):
    """A YAML document has problems; `problems` holds all of them, sorted by position."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


class UnreadableFileError(DocumentError):
    """A file can't be read at all. `reason` is the message without the file."""

    def __init__(self, file: str, reason: str) -> None:
        self.reason = reason
        super().__init__([Problem(file, 1, 1, reason)])


class UnknownNameError(InputError):
    """A name does not exist; the message offers the closest one that does."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(unknown(kind, name, known))


class PayloadFileError(InputError):
    """A file of captured payloads can't be read; the message gives the position."""


class PackError(InputError):
    """A vendor package is broken; the message names the package, what is wrong with it, and what to change."""


class MissingComponentError(VendorsimError):
    """A library or program that the command needs is not installed; the message says how to install it."""

    exit_code = 3


class MissingExtraError(MissingComponentError):
    """An optional dependency is not installed; the message has the command that installs it."""

    def __init__(self, what: str, library: str, extra: str) -> None:
        super().__init__(f"{what} needs {library}: pip install 'vendorsim[{extra}]'")


class UnreachableError(VendorsimError):
    """Nothing listens at the target, or our own port is taken."""

    exit_code = 3


class StateUnreachableError(UnreachableError):
    """The database in which several servers share their state can't be used."""


class ContractError(VendorsimError):
    """A body that vendorsim built breaks its own contract. It is not sent; this is a bug in vendorsim."""

    exit_code = 3


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most similar to `name`, or None if none is similar."""
    import difflib  # here, since most runs name nothing unknown

    by_folded = {candidate.casefold(): candidate for candidate in known}
    found = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The message for an unknown name: the name, and the closest valid name or all of them."""
    names = list(known)
    similar = closest(name, names)
    remedy = f"did you mean '{similar}'?" if similar else f"known: {', '.join(names) or 'none'}"
    return f"unknown {kind} '{name}'; {remedy}"


@contextmanager
def first_of_group() -> Iterator[None]:
    """Raises the first error of an exception group, in which concurrent conversations fail."""
    try:
        yield
    except BaseExceptionGroup as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None
