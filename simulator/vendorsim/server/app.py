"""The Flask app that serves the vendors' APIs: one blueprint for each vendor."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

from flask import Blueprint, Flask, Response, json, request
from werkzeug.exceptions import HTTPException, ServiceUnavailable
from werkzeug.routing import Map, Rule, RuleFactory

from vendorsim.core.errors import StateUnreachableError
from vendorsim.server.backend import ServerBackend
from vendorsim.server.control.paths import is_control
from vendorsim.server.control.problems import of_http, response
from vendorsim.server.files import files
from vendorsim.server.sinks_api import sinks_blueprint
from vendorsim.vendorkit import registry

LARGEST_BODY = 1024 * 1024
# Python's `ast` fails in concurrent threads before Python 3.13.
_COMPILING = Lock()


class _Route(Rule):
    """A route that compiles its builder of URLs when it builds one.

    Werkzeug does so at once, with Python's `ast`, which is slow; the app builds no URL by route.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compile_now = super()._compile_builder
        compiled: list[Callable[..., tuple[str, str]]] = []

        def build(route: Rule, **values: Any) -> tuple[str, str]:
            with _COMPILING:
                if not compiled:
                    compiled.append(compile_now(append_unknown))
            return compiled[0](route, **values)

        return build

    def key(self) -> tuple[Any, ...]:
        """Equal for routes that match the same requests and lead to the same function."""
        defaults = tuple(sorted((self.defaults or {}).items()))
        return (self.rule, self.endpoint, frozenset(self.methods or ()), self.strict_slashes, self.subdomain, defaults)


class _Routes(Map):
    """The routes of an app, which are compiled by `sealed` only, and once for all apps with the same ones.

    Compiling them took most of the time of making an app, and a test may make one.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._waiting: list[_Route] = []

    def add(self, rulefactory: RuleFactory) -> None:
        self._waiting.extend(rule for rule in rulefactory.get_rules(self) if isinstance(rule, _Route))

    def sealed(self) -> _Routes:
        """Returns the compiled routes. No route can be added to them."""
        key = (tuple(route.key() for route in self._waiting), tuple(self.converters.items()))
        with _COMPILING:
            found = _COMPILED.get(key)
            if found is None:
                for route in self._waiting:
                    super().add(route)
                self.update()
                if len(_COMPILED) == _MOST_COMPILED:
                    del _COMPILED[next(iter(_COMPILED))]
                found = _COMPILED[key] = self
        return found


_COMPILED: dict[tuple[Any, ...], _Routes] = {}
_MOST_COMPILED = 8


class _App(Flask):
    url_rule_class = _Route
    url_map_class: type[Map] = _Routes


def create_app(backend: ServerBackend, *others: Blueprint) -> Flask:
    """Creates the app with the API of every vendor that has one, the files of bodies, the sinks, and others such as the
    control API.

    All responses of an API are JSON, errors included.
    """
    app = _App(__name__, static_folder=None)
    # A doubled slash is part of the path: don't redirect.
    routes = app.url_map
    assert isinstance(routes, _Routes)
    routes.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.register_error_handler(HTTPException, _as_json)
    app.register_error_handler(StateUnreachableError, lambda error: _as_json(ServiceUnavailable()))
    blueprints = [vendor.api(backend) for vendor in map(registry.get, registry.names()) if vendor.api is not None]
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    vendors = frozenset(blueprint.name for blueprint in blueprints)
    app.register_blueprint(files())
    app.register_blueprint(sinks_blueprint(backend, backend.sinks))

    @app.before_request
    def refuse_in_outage() -> None:
        """Answers 503 while the APIs are away (fault `outage`)."""
        if request.blueprints and request.blueprints[-1] in vendors and backend.is_away():
            raise ServiceUnavailable

    for other in others:
        app.register_blueprint(other)
    app.url_map = routes.sealed()
    app.wsgi_app = backend.forced_answers.around(app.wsgi_app)  # type: ignore[method-assign,assignment]
    return app


def _as_json(error: HTTPException) -> Response:
    """Returns the error with its status and headers (such as `Allow`) and a JSON body: a problem document for the
    control API, `{"message": …}` for a vendor's API."""
    if is_control(request.path):
        return response(of_http(error))
    answer = Response(json.dumps({"message": error.name}), error.code or 500, error.get_headers())
    answer.content_type = "application/json"
    return answer
