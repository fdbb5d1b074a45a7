"""Starts a run from the body of a request (`RunRequest`): reads the scenario, plans the run, finds its targets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from msgspec.structs import replace

from vendorsim.core import times
from vendorsim.core.clock import SteeredClock
from vendorsim.core.errors import DocumentError
from vendorsim.core.yaml_nodes import Problems, plain, read
from vendorsim.delivery.destinations import Destination, Destinations
from vendorsim.delivery.planning import Policies, find_destinations, prepare
from vendorsim.http.endpoint import check_header, merged
from vendorsim.runs import library
from vendorsim.runs.planning import RunRequest, event_names
from vendorsim.scenario.model import Scenario
from vendorsim.server.control import fault_texts, requests, scenario_texts, target_urls
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.profiles import allowed_profile
from vendorsim.server.control.started_runs import StartedRun
from vendorsim.server.control.workbench import Workbench
from vendorsim.vendorkit.policy_overrides import read_changes
from vendorsim.vendorkit.signing import schemes, signer
from vendorsim.vendorkit.target import Target

_SPEED = re.compile(r"(\d{1,5}(?:\.\d{1,3})?)x?")


def start(workbench: Workbench, document: Mapping[str, Any]) -> StartedRun:
    """Starts the run that the body describes. Raises ProblemError or InputError."""
    text, name = _text(document)
    scenario = _with_cast(text, name, document.get("cast") or {})
    faults = document.get("faults") or ()
    request = _request(workbench, document, scenario, name, faults)
    prepared = prepare(request, workbench.settings.config, partial(_destinations, workbench, document))
    # Runs of the control API stay open after the last step, for manual steps, until they are stopped.
    options = replace(prepared.options, stays=True, active_faults=workbench.backend.active_faults)
    clock = SteeredClock(prepared.run.starts, prepared.speed)
    clock.paused = document.get("paused", False)
    # Targets and headers of the request apply to this run only: the vendor's API keeps the vendor's own targets.
    own = document.get("to") is not None or bool(document.get("headers"))
    about = prepared.about(faults)
    return workbench.runs.start(replace(prepared, options=options), clock, text, about, workbench.name, shared=not own)


def _request(
    workbench: Workbench, document: Mapping[str, Any], scenario: Scenario, name: str, faults: Sequence[str]
) -> RunRequest:
    """Returns the requested run, without its destinations. `name` is the scenario's name in error messages."""
    vendor = document.get("vendor") or _only_vendor(scenario)
    to = document.get("to")
    return RunRequest(
        scenario,
        vendor,
        allowed_profile(workbench, vendor, document.get("profile")),
        seed=document["seed"] if document.get("seed") is not None else scenario.seed or workbench.seed,
        start=_time(document, "start", times.point),
        count=document.get("count", 1),
        spacing=_time(document, "spacing", times.duration) or 0,
        policy=read_changes({key: str(value) for key, value in (document.get("policy") or {}).items()}, "--policy"),
        faults=fault_texts.read(faults),
        fault_on=event_names(document.get("fault_on") or ()) or None,
        to=None if to is None else Target(to),
        account=document.get("account"),
        inbox=document.get("inbox"),
        locale=document.get("locale"),
        vary=document.get("vary", True),
        speed=read_speed(document.get("speed", "instant")),
        concurrency=document.get("concurrency", 16),
        pin_clock=document.get("pin_clock", False),
        name=name,
        server=requests.server(),
    )


def read_speed(text: str) -> float | None:
    """Parses a speed: `instant` gives None, `60x` or `60` gives 60.0, a multiple of real time.

    Raises ProblemError (422).
    """
    if text == "instant":
        return None
    match = _SPEED.fullmatch(text)
    if match is None or not float(match[1]):
        detail = (
            f"'{text[:20]}' is not a speed; write instant, or how many times as fast as real time, such as 1x or 60x"
        )
        raise ProblemError(422, f"/speed: {detail}", [{"pointer": "/speed", "detail": detail}])
    return float(match[1])


def _text(document: Mapping[str, Any]) -> tuple[str, str]:
    """Returns the scenario's YAML and its name in error messages. Requests can't name files of this machine."""
    if ("yaml" in document) == ("scenario" in document):
        raise ProblemError(422, "give either scenario, the name of a built-in one, or yaml, its text")
    if "yaml" in document:
        return document["yaml"], "<scenario>"
    return library.built_in_path(document["scenario"]).read_text(encoding="utf-8"), document["scenario"]


def _with_cast(text: str, name: str, cast: Mapping[str, Any]) -> Scenario:
    """Loads the scenario, with the given parts of the cast in place of its own."""
    scenario = scenario_texts.load(text, name)
    if not cast:
        return scenario
    root = read(text, Problems(name))
    document: dict[str, Any] = plain(root) if root is not None else {}
    own = document.get("cast") or {}
    agents = {key: {**(own.get("agents") or {}).get(key, {}), **value} for key, value in cast.get("agents", {}).items()}
    document["cast"] = {
        **own,
        "visitor": {**(own.get("visitor") or {}), **cast.get("visitor", {})},
        "agents": {**(own.get("agents") or {}), **agents},
    }
    changed = scenario_texts.as_yaml(document)
    try:
        return scenario_texts.load(changed, name)
    except DocumentError as error:
        raise _cast_problem(error, changed) from None


def _cast_problem(error: DocumentError, text: str) -> ProblemError:
    """Converts the errors in a cast to a problem with JSON pointers into the request body."""
    pointers = scenario_texts.pointers(text)
    errors = [
        {"pointer": pointers.get((problem.line, problem.column), "/cast"), "detail": problem.message}
        for problem in error.problems
    ]
    return ProblemError(422, f"{errors[0]['pointer']}: {errors[0]['detail']}", errors)


def _only_vendor(scenario: Scenario) -> str:
    if len(scenario.vendors) > 1:
        raise ProblemError(422, f"say as which vendor to play it: {', '.join(scenario.vendors)}")
    return scenario.vendors[0]


def _destinations(workbench: Workbench, document: Mapping[str, Any], policies: Policies) -> Destinations:
    """Returns the target `to` of the request, or else the vendor's targets. Raises ProblemError and InputError."""
    vendor, to = policies.vendor, document.get("to")
    headers = document.get("headers") or {}
    for name, value in headers.items():
        check_header(name, value)
    if to is None:
        stage = workbench.backend.stage(vendor.name)
        if stage.profile.name != policies.profile.name:
            found = Destinations(find_destinations(policies, headers=headers, needed=False))
        elif headers:
            known = stage.destinations.all()
            found = Destinations([replace(one, headers=merged(one.headers, headers), heads={}) for one in known])
        else:
            found = stage.destinations
        if policies.profile.events and not found.numbered():
            detail = (
                f"{vendor.name} has no target: give the address of your webhook, such as http://localhost:8000/hooks, "
                "or name targets in vendorsim.yaml"
            )
            raise ProblemError(422, f"/to: {detail}", [{"pointer": "/to", "detail": detail}])
        return found
    target_urls.check(workbench, vendor.name, to, "/to")
    policy = policies.of()
    scheme, secret = policy.signing.value, document.get("secret")
    signing = None
    if scheme is not None:
        if secret is None and schemes()[scheme].signs:
            detail = f"signing as {scheme} needs a secret; give one, or policy signing=none"
            raise ProblemError(422, f"/secret: {detail}", [{"pointer": "/secret", "detail": detail}])
        signing = signer(scheme, () if secret is None else (secret,))
    # A request can name no probe of its own: a probe may run commands.
    configured = workbench.settings.config.targets.get(vendor.name, ())
    probe = next((target.probe for target in configured if target.url == to), ())
    return Destinations([Destination.of(Target(to, probe=probe), headers, policy, signing)])


def _time(document: Mapping[str, Any], key: str, read_text: Any) -> int | None:
    text = document.get(key)
    if text is None:
        return 1_000 if key == "spacing" else None
    try:
        found: int = read_text(text)
    except ValueError as error:
        raise ProblemError(422, f"/{key}: {error}", [{"pointer": f"/{key}", "detail": str(error)}]) from None
    return found
