"""Finds what the contract says of a captured body: of a webhook by its event, of a call by its operation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from vendorsim.captures.scrubbing.fields import Described, Field
from vendorsim.core import pointer as json_pointer
from vendorsim.vendorkit import contract as contracts
from vendorsim.vendorkit.contract_folder import ContractFolder
from vendorsim.vendorkit.schema_walk import SchemaNode
from vendorsim.vendorkit.vendor import Vendor

_METHODS = ("get", "put", "post", "delete", "patch")


class _Operation(NamedTuple):
    """An operation of an API: what its requests and its answers are."""

    method: str
    path: re.Pattern[str]
    request: Field | None
    answer: Field | None


class Schemas:
    """The contracts of a vendor, the chosen profile first."""

    def __init__(self, vendor: Vendor, profile: str) -> None:
        self._vendor = vendor
        others = [name for name in vendor.profiles if name != profile]
        self._profiles = [profile, *others]
        self._events: dict[str, Field | None] = {}

    def event(self, name: str | None, body: Any) -> tuple[str, Field] | None:
        """The event of a body and what its fields are, by the first profile that knows it; None if none does."""
        for profile in self._profiles:
            event = name or self._identified(profile, body)
            if event is None:
                continue
            key = f"{profile}/{event}"
            if key not in self._events:
                contract = contracts.contract(self._vendor.name, profile)
                self._events[key] = Described([contract.node(event)]) if event in contract.events else None
            found = self._events[key]
            if found is not None:
                return event, found
        return None

    def _identified(self, profile: str, body: Any) -> str | None:
        return self._vendor.profile(profile).identify(body)

    def operation(self, method: str, url: str) -> tuple[Field | None, Field | None]:
        """What the request and the answer of an operation are; None for each that no API of the vendor describes."""
        return self._operation(method.lower(), _path(url))

    @lru_cache(maxsize=4096)  # noqa: B019 (one object for a whole command)
    def _operation(self, method: str, path: str) -> tuple[Field | None, Field | None]:
        for each in self._operations:
            if each.method == method and each.path.search(path):
                return each.request, each.answer
        return None, None

    @cached_property
    def _operations(self) -> list[_Operation]:
        found: list[_Operation] = []
        root = self._vendor.contracts()
        folders = [root / (self._vendor.profile(name).contract or name) for name in self._profiles]
        for path in [*(each / "openapi.json" for each in folders), *sorted(root.glob("*openapi.json"))]:
            if path.is_file():
                found += _of_document(ContractFolder(path.parent), path.name)
        return found


def _of_document(folder: ContractFolder, name: str) -> Iterator[_Operation]:
    paths = folder.read(name).get("paths", {})
    for template, item in paths.items():
        pattern = re.compile("[^/]+".join(map(re.escape, re.split(r"\{[^}]*\}", template.rstrip("/")))) + "/?$")
        for method in _METHODS:
            operation = item.get(method)
            if isinstance(operation, dict):
                place = json_pointer.join(("paths", template, method))
                request = _content(folder, name, place + "/requestBody", operation.get("requestBody"))
                answers = [
                    node
                    for status, answer in operation.get("responses", {}).items()
                    for node in _content(folder, name, f"{place}/responses/{status}", answer)
                ]
                yield _Operation(
                    method, pattern, Described(request) if request else None, Described(answers) if answers else None
                )


def _content(folder: ContractFolder, name: str, place: str, holder: Any) -> list[SchemaNode]:
    """The schemas of the contents of a request or answer."""
    if not isinstance(holder, dict):
        return []
    if isinstance(holder.get("$ref"), str):
        file, _, pointer = holder["$ref"].partition("#")
        name, place = file or name, pointer
        holder = folder.resolve(f"{name}#{place}")
    found = []
    for media_type, content in holder.get("content", {}).items():
        if isinstance(content, dict) and "schema" in content:
            location = f"{name}#{place}/content/{media_type.replace('~', '~0').replace('/', '~1')}/schema"
            found.append(SchemaNode(folder.resolve(location), folder.resolve, location))
    return found


def _path(url: str) -> str:
    try:
        return re.sub("/{2,}", "/", urlsplit(url).path)
    except ValueError:
        return ""
