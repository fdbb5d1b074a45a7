"""Starts a run of checks from the body of a request (`CheckRunRequest`), and reads opened reports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from vendorsim.core import times
from vendorsim.core.errors import InputError
from vendorsim.http.endpoint import check_header
from vendorsim.probes.model import PLACEHOLDERS, NamedSource, fill
from vendorsim.probes.url import UrlSource
from vendorsim.server.control import target_urls
from vendorsim.server.control.checker import Checker, CheckOrder, EarlierReport
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.profiles import allowed_profile
from vendorsim.server.control.started_checks import StartedCheck
from vendorsim.server.control.workbench import Workbench
from vendorsim.server.shared.in_memory import InMemory
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.policy_overrides import read_changes
from vendorsim.vendorkit.target import Target

_OPTION = re.compile(r"--([a-z-]+):? ?")
# How messages begin that name no option → the pointer of what they are about.
_SUBJECTS = {
    "unknown (vendor|pack)": "/vendor",
    "unknown profile": "/profile",
    "unknown locale": "/locale",
    "account ": "/account",
    "inbox ": "/inbox",
    ".* is not a JSON pointer": "/probe_ignore",
    "(.* is not a header name|.*header '|.*of header)": "/headers",
    "(signing as|the environment variable)": "/to",
}
_RATE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)/s")
# Single errors of an opened file that are told: a file of another kind has thousands.
MOST_ERRORS = 20


def checker(workbench: Workbench) -> Checker:
    """Returns the server's checker. Raises ProblemError (501) if it has none."""
    if workbench.checker is None:
        raise ProblemError(501, "this server runs no checks: start vendorsim serve, or use vendorsim check")
    return workbench.checker()


def start(workbench: Workbench, document: Mapping[str, Any], server: str, port: int) -> StartedCheck:
    """Starts the run of checks that the body describes. `server` is the URL by which the client reached this server,
    `port` its port. Raises ProblemError."""
    found = checker(workbench)
    serves = document.get("api", False)
    if serves and not isinstance(workbench.shared.state, InMemory):
        raise _problem("/api", "several servers share their state, so a call may reach another one")
    try:
        prepared = found.prepare(_order(workbench, document, port if serves else None))
    except InputError as error:
        raise _at_its_place(str(error)) from None
    return workbench.checks.start(prepared, document, server if serves else None)


def repeated(asked: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the request that runs the same checks again, or only the cases that the changes name. What was required
    and compared is not asked for again."""
    left_out = {"require", "against", *(("skip",) if "only" in changes else ())}
    return {**{key: value for key, value in asked.items() if key not in left_out}, **changes}


def _order(workbench: Workbench, document: Mapping[str, Any], port: int | None) -> CheckOrder:
    vendor = registry.get(document["vendor"]).name
    headers, policy = document.get("headers") or {}, document.get("policy") or {}
    for name, value in headers.items():
        check_header(name, value)
    seed = document.get("seed")
    return CheckOrder(
        vendor,
        allowed_profile(workbench, vendor, document.get("profile") or None),
        to=_target(workbench, vendor, document.get("to")),
        headers=headers,
        policy=read_changes(policy, "--policy"),
        policy_texts=policy,
        seed=workbench.seed if seed is None else seed,
        only=tuple(document.get("only", ())),
        skip=tuple(document.get("skip", ())),
        require=tuple(document.get("require", ())),
        probe=_probe(workbench, vendor, document.get("probe")),
        probe_ignore=tuple(document.get("probe_ignore", ())),
        account=document.get("account"),
        inbox=document.get("inbox"),
        locale=document.get("locale"),
        fuzz=document.get("fuzz", False),
        budget=_seconds(document, "budget"),
        settle=_seconds(document, "settle"),
        pace=_rate(document.get("pace")),
        port=port,
        against=_against(workbench, document.get("against")),
    )


def _target(workbench: Workbench, vendor: str, to: str | None) -> Target | None:
    """Returns the target of that URL: a configured one with its secret and its probe, or any other that is allowed.
    None for the vendor's first configured target."""
    configured = workbench.settings.config.targets.get(vendor, ())
    if to is None:
        if not configured:
            raise _problem("/to", f"no target: give its URL, or name targets of {vendor} in vendorsim.yaml")
        return None
    known = next((target for target in configured if target.url == to), None)
    if known is None:
        target_urls.check(workbench, vendor, to, "/to")
        return Target(to)
    return None if known is configured[0] else known


def _probe(workbench: Workbench, vendor: str, text: str | None) -> tuple[NamedSource, ...]:
    """Returns the probe of the request, a URL. Commands, queries and functions are those of vendorsim.yaml: a request
    must not run programs. Raises ProblemError."""
    if not text:
        return ()
    if not text.startswith(("http://", "https://")):
        raise _problem("/probe", "a request can name a URL only; write other probes into vendorsim.yaml, at the target")
    if "{" in urlsplit(text.replace("[", "").replace("]", "")).netloc:
        raise _problem("/probe", "a placeholder can't stand in the host of a URL")
    try:
        source = UrlSource.read(text)
    except InputError as error:
        raise _problem("/probe", str(error)) from None
    target_urls.check(workbench, vendor, fill(text, dict.fromkeys(PLACEHOLDERS, "x")), "/probe")
    return (NamedSource(None, source),)


def _against(workbench: Workbench, number: int | None) -> EarlierReport | None:
    return None if number is None else workbench.checks.earlier(number, "/against")


def _seconds(document: Mapping[str, Any], key: str) -> float | None:
    text = document.get(key)
    if not text:
        return None
    try:
        milliseconds = times.duration(text)
    except ValueError as error:
        raise _problem(f"/{key}", str(error)) from None
    if key == "budget" and not milliseconds:
        raise _problem("/budget", "no check can be run in no time; write a duration such as 60s")
    return milliseconds / 1000


def _rate(text: str | None) -> float | None:
    if not text:
        return None
    match = _RATE.fullmatch(text)
    if match is None or not float(match[1]):
        raise _problem("/pace", f"'{text[:20]}' is no rate; write requests a second, such as 20/s")
    return float(match[1])


def _at_its_place(message: str) -> ProblemError:
    """Returns the problem with the place in the request that the message is about. It names the option of the command
    line or begins with the subject."""
    option = _OPTION.match(message)
    if option is not None:
        return _problem("/" + option[1].replace("-", "_"), message[option.end() :])
    pointer = next((pointer for words, pointer in _SUBJECTS.items() if re.match(words, message)), None)
    return ProblemError(422, message) if pointer is None else _problem(pointer, message)


def _problem(pointer: str, detail: str) -> ProblemError:
    return ProblemError(422, f"{pointer}: {detail}", [{"pointer": pointer, "detail": detail}])
