"""The pytest plugin: fixtures that play scenarios and serve the vendors' APIs, and scenario files as tests.

pytest loads this module at every start, so it imports other modules only where it uses them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from vendorsim.scenario.model import Scenario
    from vendorsim.testing.double import VendorApi
    from vendorsim.testing.played import Played

ENDING = ".scenario.yaml"
TO = "vendorsim_to"
MARK = "vendorsim"
_PLAY_MARKS = ("vendor", "profile", "seed")
_API_MARKS = ("token", "strict", "duplicate_interval")
_TO_HELP = "URL of the integration under test; {vendor} is replaced by the vendor's name"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup(MARK).addoption("--vendorsim-to", dest=TO, metavar="URL", help=_TO_HELP)
    parser.addini(TO, _TO_HELP, default="")


def pytest_configure(config: pytest.Config) -> None:
    names = ", ".join(f"{name}=…" for name in (*_PLAY_MARKS, *_API_MARKS))
    config.addinivalue_line("markers", f"{MARK}({names}): defaults of vendorsim_play and vendorsim_api")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ScenarioFile | None:
    return ScenarioFile.from_parent(parent, path=file_path) if file_path.name.endswith(ENDING) else None


class ScenarioFile(pytest.File):
    """Collects one test per vendor of a scenario file."""

    def collect(self) -> Iterator[ScenarioItem]:
        from vendorsim.core.errors import VendorsimError
        from vendorsim.core.yaml_nodes import read_file
        from vendorsim.runs import config, library
        from vendorsim.vendorkit import registry

        try:
            scenario = library.load_text(read_file(self.path), self._shown())
            targets = config.load().targets
            events = {name: registry.get(name).default_profile.events for name in scenario.vendors}
        except VendorsimError as error:
            raise self.CollectError(str(error)) from None
        to = _target(self.config)
        for vendor in scenario.vendors:
            item: ScenarioItem = ScenarioItem.from_parent(self, name=vendor, scenario=scenario, to=to)
            if not events[vendor]:
                item.skip(f"{vendor} sends no webhooks; play it in a test, with vendorsim_play and vendorsim_api")
            elif to is None and vendor not in targets:
                item.skip("no target: give --vendorsim-to URL, set vendorsim_to, or name targets in vendorsim.yaml")
            yield item

    def _shown(self) -> str:
        """Returns the path, relative to the directory in which pytest was started if it lies there."""
        here = self.config.invocation_params.dir
        return str(self.path.relative_to(here) if self.path.is_relative_to(here) else self.path)


class ScenarioItem(pytest.Item):
    """Plays a scenario as one vendor."""

    def __init__(self, *, scenario: Scenario, to: str | None, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._scenario = scenario
        self._to = to
        self.add_marker(MARK)

    def skip(self, reason: str) -> None:
        """Marks the test as skipped."""
        self.add_marker(pytest.mark.skip(reason))

    def runtest(self) -> None:
        from vendorsim.testing.played import play

        play(self._scenario, self._to, vendor=self.name).assert_passed()

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from vendorsim.core.errors import VendorsimError

        if isinstance(excinfo.value, AssertionError | VendorsimError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"{self.path.name} as {self.name}"


@pytest.fixture
def vendorsim_server() -> Iterator[Callable[[Any], str]]:
    """`vendorsim_server(app)` starts a WSGI or ASGI app on a free port until the test ends, and returns its URL."""
    with ExitStack() as stack:
        started: dict[int, str] = {}

        def start(app: Any) -> str:
            from vendorsim.testing.hosting import hosted

            if id(app) not in started:
                started[id(app)] = stack.enter_context(hosted(app))
            return started[id(app)]

        yield start


@pytest.fixture
def vendorsim_app(pytestconfig: pytest.Config) -> Any:
    """The integration under test, as a URL or an app; override it in a conftest.py. Default: `vendorsim_to`."""
    return _target(pytestconfig)


@pytest.fixture
def vendorsim_api(request: pytest.FixtureRequest) -> Iterator[VendorApi]:
    """Serves the vendors' APIs on a free port until the test ends.

    The marker sets `token`, `strict` and `duplicate_interval`.
    """
    from vendorsim.server.app import serve_app
    from vendorsim.testing.double import VendorApi

    marked = {name: value for name, value in _marked(request.node).items() if name in _API_MARKS}
    api = VendorApi(waits=True, **marked)
    with serve_app(api.wsgi) as server:
        api.url = server.url
        yield api


@pytest.fixture
def vendorsim_play(
    request: pytest.FixtureRequest, vendorsim_server: Callable[[Any], str], vendorsim_app: Any
) -> Callable[..., Played]:
    """`vendorsim_play(scenario, to=url_or_app, path="/", api=None, …)`, with the options of `vendorsim.testing.play`.

    Default of `to`: `vendorsim_app`; `path` is the path of an app's webhooks. A file is looked up in the working
    directory, then next to the test. The calls that `api` receives decide the steps `authenticate`; its default is
    `vendorsim_api`, if the test uses that fixture.
    """
    marked = {name: value for name, value in _marked(request.node).items() if name in _PLAY_MARKS}

    def play(
        scenario: str | Path, to: Any = None, *, path: str = "/", api: VendorApi | None = None, **options: Any
    ) -> Played:
        from vendorsim.testing import played

        __tracebackhide__ = True
        under_test = vendorsim_app if to is None else to
        if under_test is not None and not isinstance(under_test, str):
            under_test = vendorsim_server(under_test) + path
        if api is None and "vendorsim_api" in request.fixturenames:
            api = request.getfixturevalue("vendorsim_api")
        state = api.state if api is not None else None
        return played.play(_beside(scenario, request.path), under_test, state=state, **{**marked, **options})

    return play


def _target(config: pytest.Config) -> str | None:
    """Returns the URL of the option, or that of the ini file."""
    return config.getoption(TO) or config.getini(TO) or None


def _marked(node: pytest.Item) -> dict[str, Any]:
    """Returns the arguments of a test's markers; the closest marker wins."""
    found: dict[str, Any] = {}
    for mark in node.iter_markers(MARK):
        unknown = [name for name in mark.kwargs if name not in (*_PLAY_MARKS, *_API_MARKS)]
        if unknown or mark.args:
            known = ", ".join((*_PLAY_MARKS, *_API_MARKS))
            raise pytest.UsageError(f"the marker {MARK} takes {known}, by name; not {', '.join(unknown) or mark.args}")
        found = {**mark.kwargs, **found}
    return found


def _beside(scenario: str | Path, test: Path) -> str | Path:
    """Returns the file next to the test, if the working directory has none of that name."""
    if isinstance(scenario, str) and "\n" in scenario:
        return scenario
    beside = test.parent / scenario
    return beside if not Path(scenario).exists() and beside.is_file() else scenario
