"""Namespaces: many tests and teams in one server that never meet."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from receiver import Receiver
from short_story import OF_USERLIKE
from vendorsim.server.namespaces import HEADER, Namespaces

from control.client import Client

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

TEAMS = 20


@dataclass(frozen=True)
class Team:
    """One of many that use a server at once, addressed now by path and now by header."""

    number: int
    api: Client

    @property
    def name(self) -> str:
        return f"team-{self.number}"

    @property
    def by_path(self) -> Client:
        # Another header beside the path changes nothing: the path wins.
        return replace(self.api, prefix=f"/_ns/{self.name}", headers={"X-Vendorsim-Namespace": "somebody-else"})

    @property
    def by_header(self) -> Client:
        return replace(self.api, headers={"X-Vendorsim-Namespace": self.name})

    def client(self, chance: random.Random) -> Client:
        return chance.choice((self.by_path, self.by_header))


def work(team: Team) -> None:
    """What a team does, and that it finds what it did and nothing else."""
    chance = random.Random(team.number)

    def api() -> Client:
        return team.client(chance)

    with Receiver() as own, Receiver() as faulty:
        api().done("PUT", "/seed", {"seed": 1_000 + team.number})
        api().done("POST", "/targets", {"vendor": "userlike", "url": own.url(f"/{team.name}")})
        # Every team has a session of the same id, and each says something else of it.
        api().done("POST", "/sessions", {"id": "shared", "ended": bool(team.number % 2)})
        api().done("PUT", "/end-user/answers", {"answers": ["error"] * (team.number % 3)})
        api().done("PUT", "/faults", {"faults": ["drop"], "deliveries": 1} if team.number % 2 else {"faults": []})
        run = api().start(headers={"X-Team": team.name}, cast={"visitor": {"name": f"Visitor {team.number}"}})
        # A run that waits meanwhile.
        waiting = api().start(faulty.url(), paused=True, speed="1x")
        run = api().followed(run["id"])
        sent = OF_USERLIKE - team.number % 2
        assert (run["seed"], run["summary"]["delivered"]) == (1_000 + team.number, sent)
        assert len(own.requests) == sent
        assert {request.header("X-Team") for request in own.requests} == {team.name}
        assert {request.json["client_name"] for request in own.requests} == {f"Visitor {team.number}"}
        answers = [api().end_user("shared", f"crm-{number}").status for number in range(3)]
        assert answers == [500] * (team.number % 3) + [400 if team.number % 2 else 202] * (3 - team.number % 3)
        assert {known["id"] for known in api().all("/runs")} == {run["id"], waiting["id"]}
        rows = api().all("/deliveries", run=run["id"], limit=2)
        assert (len(rows), {row["run"] for row in rows}) == (OF_USERLIKE, {run["id"]})
        assert {row["target"] for row in rows} == {own.url(f"/{team.name}")}
        assert [place["url"] for place in api().get("/targets")["items"]] == [own.url(f"/{team.name}")]
        # Two events of the run that waits are due at once.
        api().until(lambda: api().all("/deliveries", run=waiting["id"]), lambda found: len(found) == 2)
        # What others have is not there, though its numbers are easily guessed.
        strangers = set(range(1, rows[-1]["id"] + 50)) - {row["id"] for row in api().all("/deliveries")}
        for number in chance.sample(sorted(strangers), 5):
            assert api().refused("GET", f"/deliveries/{number}")["status"] == 404
            assert api().refused("POST", f"/deliveries/{number}/resend")["status"] == 404
        assert api().refused("GET", f"/runs/{run['id'] + 1_000}")["status"] == 404
        assert api().get("/deliveries", q="somebody-else")["items"] == []
        calls = api().until(lambda: api().all("/calls"), lambda found: len(found) == 3)
        assert {call["session"] for call in calls} == {"shared"}
        if team.number % 5 == 0:
            api().done("POST", "/reset")
            assert api().all("/deliveries") == []


@pytest.mark.slow
def test_many_teams_at_once_never_meet(fresh: Client) -> None:
    teams = [Team(number, fresh) for number in range(TEAMS)]
    with ThreadPoolExecutor(TEAMS) as threads:
        list(threads.map(work, teams))
    # And when all is over, each still has its own.
    for team in teams:
        health = team.by_header.get("/health")
        gone = team.number % 5 == 0
        assert (health["namespace"], health["seed"], health["running"]) == (team.name, 1_000 + team.number, not gone)
        # The one that was set by hand, and the one that both runs play: they have the same seed.
        assert len(team.by_path.get("/sessions", limit=500)["items"]) == (0 if gone else 2)
    assert fresh.get("/namespaces") == {"namespaces": sorted(team.name for team in teams)}
    assert [fresh.get(path)["items"] for path in ("/deliveries", "/runs", "/sessions", "/targets", "/calls")] == [
        []
    ] * 5


def test_the_page_of_a_namespace_stands_below_it(api: Client) -> None:
    home = api.request("GET", "/_ns/mine/")
    assert (home.status, home.headers["Location"]) == (302, "/_ns/mine/_vendorsim/")
    assert api.request("GET", "/_ns/mine/_vendorsim/").status == 200
    assert api.request("GET", "/_ns/mine").headers["Location"].endswith("/_ns/mine/")


@pytest.mark.parametrize("name", ["-a", ".", "..", "a%20b", "a%00", "x" * 65, "%C3%A9", "", "a:b", "%0A", "a%0A"])
def test_a_name_that_is_none(idle: Client, name: str) -> None:
    problem = idle.request("GET", f"/_ns/{name}/_vendorsim/api/health").problem
    assert problem["status"] == 400
    assert "1 to 64 letters" in problem["detail"]
    assert idle.get("/namespaces") == {"namespaces": []}


@pytest.mark.parametrize("name", ["-a", "../x", "a b", "x" * 65, "é"])
def test_a_header_that_names_none(idle: Client, name: str) -> None:
    answer = idle("GET", "/health", headers={"X-Vendorsim-Namespace": name})
    assert answer.problem["status"] == 400


class Space:
    """Stands behind a name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_busy = False
        self.closed = False

    @property
    def app(self) -> Callable[..., Iterable[bytes]]:
        return self.answer

    def answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        assert not self.closed
        start_response("200 OK", [])
        return [f"{self.name} {environ['SCRIPT_NAME']} {environ['PATH_INFO']}".encode()]

    def busy(self) -> bool:
        return self.is_busy

    def close(self) -> None:
        self.closed = True


class Building:
    """Namespaces with a clock that the test moves."""

    def __init__(self, **limits: Any) -> None:
        self.spaces: dict[str, list[Space]] = {}
        self.time = 0.0
        self.app = Namespaces(self.make, now=lambda: self.time, **limits)

    def make(self, name: str) -> Space:
        space = Space(name)
        self.spaces.setdefault(name, []).append(space)
        return space

    def get(self, name: str, path: str = "/x") -> str:
        told: list[str] = []
        environ = {"PATH_INFO": path, "SCRIPT_NAME": "", HEADER: name}
        body = b"".join(self.app(environ, lambda status, headers, _=None: told.append(status)))  # type: ignore[arg-type]
        return body.decode() if told == ["200 OK"] else told[0]


class TestLifetime:
    def test_one_that_is_not_used_ends(self) -> None:
        building = Building(lifetime=60.0)
        building.get("a")
        building.time = 59.0
        building.get("b")
        building.time = 61.0
        building.get("c")
        assert building.app.names() == ["b", "c"]
        assert building.spaces["a"][0].closed
        building.get("a")
        assert len(building.spaces["a"]) == 2

    def test_each_use_prolongs_it(self) -> None:
        building = Building(lifetime=60.0)
        for building.time in (0.0, 50.0, 100.0):
            building.get("a")
        building.time = 155.0
        building.get("b")
        assert building.app.names() == ["a", "b"]

    def test_one_in_which_a_run_is_under_way_and_the_default_one_stay(self) -> None:
        building = Building(lifetime=60.0)
        building.get("a")
        building.spaces["a"][0].is_busy = True
        building.time = 1_000.0
        building.get("b")
        assert building.app.names() == ["a", "b"]
        assert building.get("").startswith(" ")
        assert not building.spaces[""][0].closed

    def test_there_are_not_too_many(self) -> None:
        building = Building(most=3, lifetime=60.0)
        for name in "abc":
            assert building.get(name).startswith(name)
        assert building.get("d") == "503 Service Unavailable"
        assert building.get("a").startswith("a")
        building.time = 61.0
        assert building.get("d").startswith("d")

    def test_all_end_with_the_server(self) -> None:
        building = Building()
        building.get("a")
        building.app.close()
        assert all(space.closed for spaces in building.spaces.values() for space in spaces)


def test_the_path_is_taken_apart() -> None:
    building = Building()
    assert building.get("", "/_ns/a/x/y") == "a /_ns/a /x/y"
    assert building.get("b", "/_ns/a/x") == "a /_ns/a /x"
    assert building.get("b", "/x") == "b /_ns/b /x"
    assert building.get("", "/_ns/a/_ns/b/x") == "a /_ns/a /_ns/b/x"
