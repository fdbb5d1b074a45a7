"""The pytest plugin: fixtures that play scenarios and serve the vendors' APIs, and scenario files as tests.

pytest loads this module at every start, so it imports other modules only where it uses them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from vendorsim.http.server import ServerThreads
    from vendorsim.server.backend import ServerBackend
    from vendorsim.testing.checked import Checked
    from vendorsim.testing.collected import UnderTest
    from vendorsim.testing.double import VendorApi
    from vendorsim.testing.hosted_app import HostedApp
    from vendorsim.testing.played import Played

ENDING = ".scenario.yaml"
MARK = "vendorsim"
TO = "vendorsim_to"
PATH = "vendorsim_path"
CHECK = "vendorsim_check"
APP = "vendorsim_app"
CONFTEST = "conftest.py"
_PLAY_MARKS = ("vendor", "profile", "seed", "account", "inbox", "locale")
_API_MARKS = ("token", "strict", "duplicate_interval")
_TO_HELP = "URL of the integration under test; {vendor} is replaced by the vendor's name"
_PATH_HELP = "path of the webhooks of an app under test, such as /hooks/{vendor} (default: /)"
_CHECK_HELP = "vendors whose checks are collected as tests, one a line: NAME or NAME/PROFILE"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup(MARK).addoption("--vendorsim-to", dest=TO, metavar="URL", help=_TO_HELP)
    parser.addini(TO, _TO_HELP, default="")
    parser.addini(PATH, _PATH_HELP, default="/")
    parser.addini(CHECK, _CHECK_HELP, type="linelist", default=[])


def pytest_configure(config: pytest.Config) -> None:
    names = ", ".join(f"{name}=…" for name in (*_PLAY_MARKS, *_API_MARKS))
    mark = f"{MARK}({names}): defaults of vendorsim_play, vendorsim_check and vendorsim_api"
    config.addinivalue_line("markers", mark)
    if config.getini(CHECK) and config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args += _homes_outside(config)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.File | None:
    if file_path.name.endswith(ENDING):
        from vendorsim.testing.collected import ScenarioFile

        return ScenarioFile.from_parent(parent, path=file_path)
    if (vendors := parent.config.getini(CHECK)) and file_path in _homes(parent.config):
        from vendorsim.testing.collected import CheckFile

        return CheckFile.from_parent(parent, path=file_path, vendors=vendors)
    return None


def _homes(config: pytest.Config) -> list[Path]:
    """Returns the files with which the checks are collected: each conftest.py that has a fixture `vendorsim_app`.

    Without one, it is the ini file.
    """
    modules = [module for module in config.pluginmanager.get_plugins() if hasattr(module, APP)]
    files = [Path(file) for module in modules if (file := getattr(module, "__file__", None))]
    conftests = [file for file in files if file.name == CONFTEST]
    return conftests or ([config.inipath] if config.inipath is not None else [])


def _homes_outside(config: pytest.Config) -> list[str]:
    """Returns those files that pytest does not visit, since `testpaths` leads elsewhere."""
    visited = [config.invocation_params.dir / argument for argument in config.args]
    return [str(home) for home in _homes(config) if not any(home.is_relative_to(path) for path in visited)]


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
    """The integration under test, as a URL or an app; override it in a conftest.py. Default: `vendorsim_to`.

    The webhooks of an app have the path of the setting `vendorsim_path`.
    """
    return pytestconfig.getoption(TO) or pytestconfig.getini(TO) or None


@pytest.fixture
def vendorsim_check_options() -> Mapping[str, Any]:
    """Arguments of `vendorsim_check` for collected checks, such as `{"probe": read_state}`; override it.

    Collected scenario files use the same probe.
    """
    return {}


@pytest.fixture(scope="session")
def _vendorsim_hosted() -> Iterator[HostedApp]:
    """The app under test of collected tests, which runs until another one is asked for."""
    from vendorsim.testing.hosted_app import HostedApp

    with HostedApp() as hosted:
        yield hosted


@pytest.fixture
def _vendorsim_target(pytestconfig: pytest.Config, vendorsim_app: Any, _vendorsim_hosted: HostedApp) -> UnderTest:
    """The target of collected tests: by `--vendorsim-to`, else `vendorsim_app`."""
    from vendorsim.testing.collected import under_test

    return under_test(pytestconfig.getoption(TO) or vendorsim_app, pytestconfig.getini(PATH), _vendorsim_hosted.url)


@pytest.fixture(scope="session")
def _vendorsim_threads() -> Iterator[ServerThreads]:
    """The threads of all APIs: to start and end them takes longer than most calls."""
    from vendorsim.http.server import ServerThreads

    with closing(ServerThreads()) as threads:
        yield threads


@pytest.fixture
def vendorsim_api(request: pytest.FixtureRequest, _vendorsim_threads: ServerThreads) -> Iterator[VendorApi]:
    """Serves the vendors' APIs on a free port until the test ends.

    The marker sets `token`, `strict` and `duplicate_interval`.
    """
    from vendorsim.server.serving import serve_app
    from vendorsim.testing.double import VendorApi

    marked = {name: value for name, value in _marked(request.node).items() if name in _API_MARKS}
    api = VendorApi(waits=True, **marked)
    with serve_app(api.wsgi, fast_path=api.wsgi.at_once, threads=_vendorsim_threads) as server:
        api.url = server.url
        yield api


@pytest.fixture
def vendorsim_play(
    request: pytest.FixtureRequest, vendorsim_server: Callable[[Any], str], vendorsim_app: Any
) -> Callable[..., Played]:
    """`vendorsim_play(scenario, to=url_or_app, path="/", api=None, …)`, with the options of `vendorsim.testing.play`.

    Default of `to`: `vendorsim_app`; `path` is the path of an app's webhooks (default: the setting `vendorsim_path`). A
    file is looked up in the working directory, then next to the test. The calls that `api` receives decide the steps
    `authenticate`; its default is `vendorsim_api`, if the test uses that fixture.
    """
    marked = _marked_for_runs(request)

    def play(
        scenario: str | Path, to: Any = None, *, path: str | None = None, api: VendorApi | None = None, **options: Any
    ) -> Played:
        from vendorsim.testing import played

        __tracebackhide__ = True
        under_test = _under_test(request, vendorsim_server, vendorsim_app if to is None else to, path)
        arguments = {**marked, **options}
        return played.play(_beside(scenario, request.path), under_test.url, state=_state(request, api), **arguments)

    return play


@pytest.fixture
def vendorsim_check(
    request: pytest.FixtureRequest, vendorsim_server: Callable[[Any], str], vendorsim_app: Any
) -> Callable[..., Checked]:
    """`vendorsim_check(url_or_app, vendor=…, path="/", api=None, …)`, with the options of `vendorsim.testing.check`.

    Default of the first argument: `vendorsim_app`; `path` is the path of an app's webhooks (default: the setting
    `vendorsim_path`). `calls_api` judges the calls that `api` receives; its default is `vendorsim_api`, if the test
    uses that fixture.
    """
    marked = _marked_for_runs(request)

    def check(to: Any = None, *, path: str | None = None, api: VendorApi | None = None, **options: Any) -> Checked:
        from vendorsim.testing import checked, collected

        __tracebackhide__ = True
        under_test = _under_test(request, vendorsim_server, vendorsim_app if to is None else to, path)
        return checked.check(
            under_test.url,
            state=_state(request, api),
            shown=under_test.shown,
            again=collected.command_of(request.node),
            **{**marked, **options},
        )

    return check


def _under_test(request: pytest.FixtureRequest, start: Callable[[Any], str], app: Any, path: str | None) -> UnderTest:
    from vendorsim.testing.collected import under_test

    return under_test(app, request.config.getini(PATH) if path is None else path, start)


def _state(request: pytest.FixtureRequest, api: VendorApi | None) -> ServerBackend | None:
    """Returns the state of the API: that of `vendorsim_api`, if the test uses it and none is given."""
    if api is None and "vendorsim_api" in request.fixturenames:
        api = request.getfixturevalue("vendorsim_api")
    return None if api is None else api.state


def _marked_for_runs(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {name: value for name, value in _marked(request.node).items() if name in _PLAY_MARKS}


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
