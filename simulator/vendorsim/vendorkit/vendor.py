"""A vendor: its profiles, its API and its signature schemes, as one object of data and functions.

A vendor package offers one `Vendor` through the entry-point group `vendorsim.vendors`. Its contracts, scenarios and
docs are part of the package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from vendorsim.core import resources
from vendorsim.core.errors import UnknownNameError
from vendorsim.core.provenance import Stated
from vendorsim.http.messages import FastPath
from vendorsim.vendorkit import overlay
from vendorsim.vendorkit.backend import Backend
from vendorsim.vendorkit.identification import Identification
from vendorsim.vendorkit.profile import Profile, Quirk
from vendorsim.vendorkit.scheme import Scheme

if TYPE_CHECKING:
    from flask import Blueprint


class Operation(Struct, frozen=True):
    """One operation of the vendor's API."""

    name: str
    method: str
    path: str
    provenance: str
    source: str


class Polling(Struct, frozen=True):
    """How an integration learns by the API what no delivery has told it: `operations` are the names of those that tell
    it. With `newest_only` they tell the newest message of a conversation and no older ones."""

    operations: tuple[str, ...]
    newest_only: bool = False


# The overlays that were read, by vendor and folder.
_OVERLAYS: dict[tuple[str, str], tuple[overlay.Stamp, Profile]] = {}


class Vendor(Struct, frozen=True):
    """One imitated system. The first profile is the default.

    `documents` is the folder of its contracts, with one folder per profile, and `scenarios` the folder of its scenarios
    (`*.yaml`). Your own package must give both, relative to its files: `Path(__file__).parent / "contracts"`. `docs` is
    a page about the vendor, if there is one.
    `api` makes the Flask blueprint of the vendor's API, if integrations call one. `fast_path` answers some of its
    operations in the server's event loop, with the same answers as the blueprint.
    `headers_with_underscores` are the headers with underscores in their names that the API reads, in lower case. The
    server removes all others, since a WSGI app can't distinguish `a_b` from `a-b`.
    `identification` describes the operation that identifies visitors, if the API has it. `schemes` are its signature
    schemes, by name.
    `conversation_parameters` are the parameters in the paths of operations that are the id of a conversation.
    `polling` says how an integration catches up by the API, if it can.
    `page` is the path of a page for people that the API serves beside its operations, if it has one.
    `files` is the path of the API below which the files of messages are served, if the API has one. Elsewhere servers
    serve them at a path of their own (`vendorsim.conversation.files.PATH`).
    `version` makes a profile that `profiles` does not list, such as a version between two of them, from its name.
    `versions` are the names of the profiles that are versions of one server, oldest first: one for each version with
    which a contract changes. `quirks` are those that only profiles made by `version` have.
    """

    name: str
    title: str
    profiles: Mapping[str, Profile]
    operations: tuple[Operation, ...] = ()
    api: Callable[[Backend], Blueprint] | None = None
    fast_path: Callable[[Backend], FastPath] | None = None
    headers_with_underscores: tuple[str, ...] = ()
    conversation_parameters: tuple[str, ...] = ()
    identification: Identification | None = None
    polling: Stated[Polling] | None = None
    page: str | None = None
    files: str | None = None
    documents: Path | None = None
    schemes: Mapping[str, Scheme] = field(default_factory=dict)
    version: Callable[[str], Profile | None] | None = None
    versions: tuple[str, ...] = ()
    quirks: tuple[Quirk, ...] = ()
    scenarios: Path | None = None
    docs: Path | None = None

    @property
    def api_verbs(self) -> tuple[str, ...]:
        """The verbs of a scenario that wait for a call of the vendor's API."""
        identified = () if self.identification is None else ("authenticate",)
        return (*identified, *(("expect_call",) if self.operations else ()))

    def quirk_names(self) -> frozenset[str]:
        """The names of the quirks that any profile has."""
        listed = (profile.quirks for profile in self.profiles.values())
        return frozenset(quirk.name for quirks in (self.quirks, *listed) for quirk in quirks)

    @property
    def default_profile(self) -> Profile:
        """The first profile."""
        return next(iter(self.profiles.values()))

    def contracts(self) -> Path:
        """The folder with one folder of documents per profile."""
        return self.documents or resources.contracts() / self.name

    def profile(self, name: str | None) -> Profile:
        """The profile with that name; the default one for None. The folder of an overlay is a name, too.

        Raises UnknownNameError, InputError for a folder that is none, and DocumentError for an overlay with problems.
        """
        if name is None:
            return self.default_profile
        found = self._named(name)
        if found is not None:
            return found
        if overlay.is_folder(name):
            return self._overlaid(name)
        raise UnknownNameError(f"profile of {self.name}", name, self.profiles)

    def is_overlay(self, name: str) -> bool:
        """Whether a profile's name is that of an overlay's folder."""
        return self._named(name) is None and overlay.is_folder(name)

    def _named(self, name: str) -> Profile | None:
        return self.profiles.get(name) or (self.version(name) if self.version is not None else None)

    def _overlaid(self, folder: str) -> Profile:
        """The profile of an overlay's folder; the same object until the file changes."""
        read_at = overlay.stamp(folder)
        known = _OVERLAYS.get((self.name, folder))
        if known is not None and known[0] == read_at:
            return known[1]
        found, root = overlay.read_overlay(Path(folder))
        if found.vendor != self.name:
            raise overlay.wrong_vendor(folder, found, self.name)
        if overlay.is_folder(found.profile):
            raise overlay.wrong_base(folder, found)
        profile = overlay.overlaid(self.profile(found.profile), self.contracts(), folder, found, root)
        _OVERLAYS[self.name, folder] = (read_at, profile)
        return profile
