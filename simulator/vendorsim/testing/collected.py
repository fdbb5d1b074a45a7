"""Scenario files and checks as tests that pytest collects. They run against the fixture `vendorsim_app`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from msgspec import Struct

from vendorsim.core.errors import VendorsimError
from vendorsim.testing.arguments import as_tuple

if TYPE_CHECKING:
    from vendorsim.checks.model import Check
    from vendorsim.scenario.model import Scenario

# Checks that send something about each event, beside those of the family `accepts`: a test per event. The others look
# at one event only, or at whole stories, so that a test per event would repeat the same.
EACH_EVENT_FAMILY = "accepts"
EACH_EVENT = frozenset(
    {
        "tolerates.unknown_field",
        "tolerates.unknown_value",
        "tolerates.absent_optional",
        "tolerates.key_order",
        "tolerates.text",
        "rejects.missing_field",
        "rejects.wrong_type",
    }
)
_NO_APP = (
    "no target: define the fixture vendorsim_app, give --vendorsim-to URL, set vendorsim_to, or name targets in "
    "vendorsim.yaml"
)
_NO_API = "calls were expected and not judged: let the fixture vendorsim_app use vendorsim_api, and call its URL"
# Stands in commands for the URL of an app under test, which is gone when somebody reads them.
_URL = "URL"


class UnderTest(Struct, frozen=True):
    """Where the integration is; None: where vendorsim.yaml says. Commands call it `shown`; None: by its URL."""

    url: str | None
    shown: str | None


class CollectedItem(pytest.Function):
    """A test that no module defines. Its fixtures are those that tests next to the collected file have."""

    def __init__(self, *, title: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._title = title
        self.add_marker("vendorsim")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Returns the message alone where the integration or a setting is at fault: there is no code to show."""
        told = isinstance(excinfo.value, AssertionError) and excinfo.traceback[-1].name == "assert_passed"
        if told or isinstance(excinfo.value, VendorsimError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self._title


class ScenarioFile(pytest.File):
    """Collects one test per vendor of a scenario file."""

    def collect(self) -> Iterator[CollectedItem]:
        from vendorsim.core.yaml_nodes import read_file
        from vendorsim.runs import library
        from vendorsim.vendorkit import registry

        try:
            scenario = library.load_text(read_file(self.path), self._shown())
            events = {name: registry.get(name).default_profile.events for name in scenario.vendors}
        except VendorsimError as error:
            raise self.CollectError(str(error)) from None
        for vendor in scenario.vendors:
            item: CollectedItem = CollectedItem.from_parent(
                self, name=vendor, callobj=_playing(scenario, vendor), title=f"{self.path.name} as {vendor}"
            )
            if not events[vendor]:
                reason = f"{vendor} sends no webhooks; play it in a test, with vendorsim_play and vendorsim_api"
                item.add_marker(pytest.mark.skip(reason))
            yield item

    def _shown(self) -> str:
        """Returns the path, relative to the directory in which pytest was started if it lies there."""
        here = self.config.invocation_params.dir
        return str(self.path.relative_to(here) if self.path.is_relative_to(here) else self.path)


def _playing(scenario: Scenario, vendor: str) -> Callable[..., None]:
    """Returns the test that plays a scenario as a vendor."""

    def play_scenario(
        request: pytest.FixtureRequest, _vendorsim_target: UnderTest, vendorsim_check_options: Mapping[str, Any]
    ) -> None:
        from vendorsim.delivery.records import NOT_JUDGED
        from vendorsim.testing.played import play

        __tracebackhide__ = True
        _skip_without_target(_vendorsim_target, vendor)
        probe = vendorsim_check_options.get("probe")
        played = play(scenario, _vendorsim_target.url, vendor=vendor, probe=probe, state=_state(request))
        played.assert_passed()
        if any(outcome.verdict == NOT_JUDGED for outcome in played.expected_calls):
            _skip(_NO_API)

    return play_scenario


class CheckFile(pytest.File):
    """Collects the checks of vendors, each `NAME` or `NAME/PROFILE`."""

    def __init__(self, *, vendors: Sequence[str], **arguments: Any) -> None:
        super().__init__(**arguments)
        self._vendors = vendors

    def collect(self) -> Iterator[VendorChecks]:
        for name in dict.fromkeys(self._vendors):
            yield VendorChecks.from_parent(self, name=name)


class VendorChecks(pytest.Collector):
    """Collects the checks of one vendor (`NAME` or `NAME/PROFILE`): a test per check, or per check and event."""

    def collect(self) -> Iterator[CollectedItem]:
        from vendorsim.checks.registry import all_checks
        from vendorsim.vendorkit import registry

        vendor, _, profile = self.name.partition("/")
        try:
            events = registry.get(vendor).profile(profile or None).event_names()
        except VendorsimError as error:
            raise self.CollectError(f"vendorsim_check: {error}") from None
        for check in all_checks():
            for event in events if _each_event(check) else (None,):
                name = check.id if event is None else f"{check.id}[{event}]"
                item: CollectedItem = CollectedItem.from_parent(
                    self,
                    name=name,
                    callobj=_checking(vendor, profile or None, check, event),
                    title=f"{self.name} {name}",
                )
                yield item


def _each_event(check: Check) -> bool:
    return check.family == EACH_EVENT_FAMILY or check.id in EACH_EVENT


def _checking(vendor: str, profile: str | None, check: Check, event: str | None) -> Callable[..., None]:
    """Returns the test that runs one check, of one event if one is given."""

    def run_check(
        request: pytest.FixtureRequest, vendorsim_check_options: Mapping[str, Any], _vendorsim_target: UnderTest
    ) -> None:
        from vendorsim.testing import checked

        __tracebackhide__ = True
        _skip_without_target(_vendorsim_target, vendor)
        options = dict(vendorsim_check_options)
        required = as_tuple(options.pop("require", ()))
        found = checked.check(
            _vendorsim_target.url,
            vendor=vendor,
            profile=profile,
            only=check.id if event is None else f"{check.id}:{event}",
            require=[name for name in required if name in (check.id, check.family)],
            state=_state(request),
            shown=_vendorsim_target.shown,
            again=command_of(request.node),
            **options,
        )
        if found.unjudged and not found.missing:
            _skip(found.unjudged)
        found.assert_passed()
        if found.findings:
            request.node.add_report_section("call", "vendorsim", found.explain())

    return run_check


def under_test(app: Any, path: str, start: Callable[[Any], str]) -> UnderTest:
    """Returns where an integration is: a URL, or an app, which `start` starts and whose webhooks have that path."""
    if app is None or isinstance(app, str):
        return UnderTest(app, None)
    return UnderTest(start(app) + path, _URL + path)


def command_of(node: pytest.Item) -> str:
    """Returns the command that runs a test again."""
    return shlex.join(("pytest", node.nodeid))


def _skip_without_target(target: UnderTest, vendor: str) -> None:
    """Skips the test if neither the fixtures and settings nor vendorsim.yaml name a target."""
    from vendorsim.runs.config import load

    if target.url is None and vendor not in load().targets:
        _skip(_NO_APP)


def _skip(reason: str) -> NoReturn:
    """Skips the running test. The summary says where: at the collected file, not inside pytest."""
    raise pytest.skip.Exception(reason, _use_item_location=True)


def _state(request: pytest.FixtureRequest) -> Any:
    """Returns the state of `vendorsim_api`, if the test's fixtures use it."""
    return request.getfixturevalue("vendorsim_api").state if "vendorsim_api" in request.fixturenames else None
