"""What a request for a run says → the run, its targets and its clock, or a refusal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vendorsim.core import times
from vendorsim.core.clock import SteeredClock
from vendorsim.core.errors import DocumentError
from vendorsim.core.yaml_nodes import Problems, plain, read
from vendorsim.delivery import planning as setup
from vendorsim.delivery.destinations import Places
from vendorsim.delivery.player import Options
from vendorsim.delivery.requests import destination
from vendorsim.http.endpoint import check_header, merged
from vendorsim.runs import library
from vendorsim.runs.planning import plan
from vendorsim.scenario.model import Scenario
from vendorsim.server.control import scenario_texts, target_urls
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.started_runs import StartedRun
from vendorsim.server.control.workbench import Workbench
from vendorsim.vendorkit.signing import schemes, signer
from vendorsim.vendorkit.target import Target

_SPEED = re.compile(r"(\d{1,5}(?:\.\d{1,3})?)x")


def start(bench: Workbench, wanted: Mapping[str, Any]) -> StartedRun:
    """Starts the run that is asked for. Raises ProblemError or InputError."""
    text, name = _text(wanted)
    scenario = _with_cast(text, name, wanted.get("cast") or {})
    vendor = wanted.get("vendor") or _only_vendor(scenario)
    run = plan(
        scenario,
        vendor,
        wanted.get("profile") or bench.settings.profiles.get(vendor),
        seed=wanted["seed"] if wanted.get("seed") is not None else scenario.seed or bench.seed,
        start=_time(wanted, "start", times.point),
        count=wanted.get("count", 1),
        spacing=_time(wanted, "spacing", times.duration) or 0,
        called=name,
    )
    overrides = [f"{key}={value}" for key, value in (wanted.get("policy") or {}).items()]
    policies = setup.Policies(run.vendor, run.profile, bench.settings.config, overrides)
    places = _places(bench, policies, wanted)
    texts = wanted.get("faults") or ()
    asked = setup.chosen_faults(run, texts, ",".join(wanted.get("fault_on") or ()) or None)
    run = setup.with_quirks(run, texts)
    setup.refuse_impossible(run, asked, [place for _, place in places.numbered()])
    options = Options(
        count=wanted.get("count", 1),
        concurrency=wanted.get("concurrency", 16),
        faults=asked,
        pin_clock=wanted.get("pin_clock", False),
        stays=True,
        armed=bench.state.armed,
    )
    clock = SteeredClock(run.starts, read_speed(wanted.get("speed", "instant")))
    clock.paused = wanted.get("paused", False)
    about = {
        "scenario": run.scenario.title,
        "vendor": vendor,
        "profile": run.profile.name,
        "seed": run.seed,
        "start": run.starts,
        "count": options.count,
        "targets": [place.endpoint.shown for _, place in places.numbered()],
        "faults": list(texts),
    }
    # Targets or headers of its own count in this run only: the vendor's API goes on speaking of the vendor's targets.
    own = wanted.get("to") is not None or wanted.get("headers")
    shared = None if own else policies
    return bench.runs.start(run, shared, places, options, clock, text, about, bench.name)


def read_speed(text: str) -> float | None:
    """`instant` (None), or how many times as fast as the wall clock: `1x`, `60x`, `0.5x`. Raises ProblemError."""
    if text == "instant":
        return None
    match = _SPEED.fullmatch(text)
    if match is None or not float(match[1]):
        detail = f"'{text[:20]}' is not a speed; write instant, 1x or 60x"
        raise ProblemError(422, f"/speed: {detail}", [{"pointer": "/speed", "detail": detail}])
    return float(match[1])


def _text(wanted: Mapping[str, Any]) -> tuple[str, str]:
    """The scenario's YAML, and what problems call it. Files of this machine can't be named: only built-in scenarios."""
    if ("yaml" in wanted) == ("scenario" in wanted):
        raise ProblemError(422, "give either scenario, the name of a built-in one, or yaml, its text")
    if "yaml" in wanted:
        return wanted["yaml"], "<scenario>"
    return library.built_in_path(wanted["scenario"]).read_text(encoding="utf-8"), wanted["scenario"]


def _with_cast(text: str, name: str, cast: Mapping[str, Any]) -> Scenario:
    """The scenario, with what is given of the cast instead of its own."""
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
        raise _of_cast(error, changed) from None


def _of_cast(error: DocumentError, text: str) -> ProblemError:
    """What is wrong with a cast, by the places in the request."""
    places = scenario_texts.places(text)
    errors = [
        {"pointer": places.get((problem.line, problem.column), "/cast"), "detail": problem.message}
        for problem in error.problems
    ]
    return ProblemError(422, f"{errors[0]['pointer']}: {errors[0]['detail']}", errors)


def _only_vendor(scenario: Scenario) -> str:
    if len(scenario.vendors) > 1:
        raise ProblemError(422, f"say as which vendor to play it: {', '.join(scenario.vendors)}")
    return scenario.vendors[0]


def _places(bench: Workbench, policies: setup.Policies, wanted: Mapping[str, Any]) -> Places:
    """`to`, or the targets that the vendor's events go to anyway."""
    vendor, to = policies.vendor, wanted.get("to")
    headers = wanted.get("headers") or {}
    for name, value in headers.items():
        check_header(name, value)
    if to is None:
        stage = bench.state.stage(vendor.name)
        if stage.profile.name != policies.profile.name:
            given = [f"{name}: {value}" for name, value in headers.items()]
            found = Places(setup.destinations(policies, None, given, (), needed=False))
        elif headers:
            known = [place for _, place in stage.places.numbered()]
            found = Places([replace(place, headers=merged(place.headers, headers), heads={}) for place in known])
        else:
            found = stage.places
        if policies.profile.events and not found.numbered():
            raise ProblemError(422, f"no target: give 'to', or name targets of {vendor.name} in vendorsim.yaml")
        return found
    target_urls.check(bench, vendor.name, to, "/to")
    policy = policies.of()
    scheme, secret = policy.signing.value, wanted.get("secret")
    made = None
    if scheme is not None:
        if secret is None and schemes()[scheme].signs:
            raise ProblemError(422, f"/secret: signing as {scheme} needs a secret; give one, or policy signing=none")
        made = signer(scheme, () if secret is None else (secret,))
    return Places([destination(Target(to), headers, policy, made)])


def _time(wanted: Mapping[str, Any], key: str, read_text: Any) -> int | None:
    text = wanted.get(key)
    if text is None:
        return 1_000 if key == "spacing" else None
    try:
        found: int = read_text(text)
    except ValueError as error:
        raise ProblemError(422, f"/{key}: {error}", [{"pointer": f"/{key}", "detail": str(error)}]) from None
    return found
