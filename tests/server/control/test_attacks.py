"""What others may try: sites in the user's browser, other machines, and whoever sends something huge or crooked."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from receiver import Receiver, status
from short_story import OF_USERLIKE, STORY
from vendorsim.cli.served_captures import ServedCaptures
from vendorsim.cli.served_checks import ServedChecks
from vendorsim.server.page import FILES

from control.client import API, Client, serving

ADMIN = "adm-s3cr3t-w0rd"
PAGE = "/_vendorsim/"


class TestForeignHosts:
    """A name of another site can be made to mean this machine (DNS rebinding): the `Host` gives it away."""

    @pytest.mark.parametrize("path", [f"{API}/health", f"{API}/deliveries", PAGE, f"{PAGE}app.js", "/"])
    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            "evil.example:4010",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "localhost@evil.example",
            "",
            "2130706433",
            "[::1",
            "evil.example:x",
            "\u00b9.example",
        ],
    )
    def test_are_refused(self, idle: Client, host: str, path: str) -> None:
        problem = idle.request("GET", path, headers={"Host": host}).problem
        assert problem["status"] == 421
        assert "--allow-host" in problem["detail"]

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "localhost:4010", "LOCALHOST", "a.localhost", "[::1]:4010", "192.0.2.7"]
    )
    def test_our_own_are_not(self, idle: Client, host: str) -> None:
        assert idle("GET", "/health", headers={"Host": host}).status == 200

    def test_one_that_was_allowed(self, journal: Path) -> None:
        with serving(journal, allowed_hosts=frozenset({"desk.example"})) as api:
            assert api("GET", "/health", headers={"Host": "Desk.example:4010"}).status == 200
            assert api("GET", "/health", headers={"Host": "www.desk.example"}).problem["status"] == 421

    def test_the_vendors_apis_answer_under_any_name(self, idle: Client) -> None:
        headers = {"Host": "vendor.internal", "Authorization": "Bearer t"}
        answer = idle.request("POST", "/apps/api/v1/chats/1/end_user", {"identifier": "a"}, headers=headers)
        assert answer.status == 202


CROSS_SITE: list[Mapping[str, str]] = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://localhost"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example", "Content-Type": "text/plain"},
]


class TestForeignPages:
    @pytest.mark.parametrize("headers", CROSS_SITE, ids=[str(headers) for headers in CROSS_SITE])
    @pytest.mark.parametrize(("method", "path"), [("POST", "/reset"), ("PUT", "/seed"), ("GET", "/deliveries")])
    def test_may_not_use_the_api(self, idle: Client, headers: Mapping[str, str], method: str, path: str) -> None:
        body = b'{"seed": 5}' if method == "PUT" else None
        problem = idle(method, path, raw=body, headers=headers).problem
        assert problem["status"] == 403
        assert idle.get("/health")["seed"] == 0

    def test_our_own_page_may(self, idle: Client) -> None:
        headers = {"Origin": f"http://127.0.0.1:{idle.port}", "Sec-Fetch-Site": "same-origin"}
        assert idle("PUT", "/seed", {"seed": 0}, headers=headers).status == 200

    @pytest.mark.parametrize(
        "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    )
    def test_what_a_form_can_send_is_refused(self, idle: Client, kind: str) -> None:
        answer = idle("PUT", "/seed", raw=b'{"seed": 5}', headers={"Content-Type": kind})
        assert answer.problem["status"] == 415

    def test_nobody_is_allowed_to_read_across_origins(self, idle: Client) -> None:
        for path in (f"{API}/health", PAGE):
            headers = idle.request("GET", path).headers
            assert not [name for name in headers if name.lower().startswith("access-control")]
            assert headers["X-Content-Type-Options"] == "nosniff"
        policy = idle.request("GET", PAGE).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy


@pytest.mark.parametrize(
    "name",
    [
        "../page.py",
        "..%2Fpage.py",
        "%2e%2e/page.py",
        "....//page.py",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "..%5Cpage.py",
        "views/../../page.py",
        "%00",
        "app.js%00.html",
        "con",
    ],
)
def test_names_of_files_lead_nowhere_else(idle: Client, name: str) -> None:
    answer = idle.request("GET", f"{PAGE}{name}")
    assert answer.status in (404, 421), answer.text
    assert b"Blueprint" not in answer.body
    assert b"root:" not in answer.body


class TestOversize:
    @pytest.mark.parametrize("path", ["/runs", "/lint", "/steps", "/reset"])
    def test_a_body_over_the_limit(self, idle: Client, path: str) -> None:
        raw = json.dumps({"yaml": "x" * 1024 * 1024}).encode()
        problem = idle("POST", path, raw=raw, headers={"Content-Type": "application/json"}).problem
        assert (problem["status"], problem["detail"]) == (413, "the body is larger than 1 MiB")

    def test_a_text_over_the_limit(self, idle: Client) -> None:
        problem = idle.refused("POST", "/lint", {"yaml": "x" * 1_000_001})
        assert (problem["status"], problem["errors"][0]["pointer"]) == (422, "/yaml")

    @pytest.mark.parametrize(
        "raw", [b"{", b"\xff", b'"text"', b"[]", b"null", b'{"yaml": "\\ud800"}', b"[" * 5_000, b'{"a":' * 2_000]
    )
    def test_a_body_that_is_something_else(self, idle: Client, raw: bytes) -> None:
        problem = idle("POST", "/lint", raw=raw, headers={"Content-Type": "application/json"}).problem
        assert problem["status"] in (400, 422)

    @pytest.mark.parametrize("depth", [100, 500, 1_000])
    def test_a_step_that_is_nested_deeply(self, idle: Client, depth: int) -> None:
        step = b'{"say":' * depth + b"1" + b"}" * depth
        raw = b'{"vendor": "userlike", "conversations": ["1"], "step": %b}' % step
        assert idle("POST", "/steps", raw=raw, headers={"Content-Type": "application/json"}).problem["status"] in (
            400,
            422,
        )

    def test_a_head_over_the_limit(self, idle: Client) -> None:
        answer = idle("GET", "/health", headers={"X-Long": "x" * 100_000})
        assert answer.status == 431


BOMBS = {
    "laughs": "\n".join(
        ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
        + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
        + ["scenario: x", "steps: *a11"]
    ),
    "merges": "\n".join(
        ["a0: &a0 {x: 1}"] + [f"a{n}: &a{n} {{<<: *a{n - 1}, y: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 60)]
    ),
    "nesting": "scenario: x\nsteps: " + "[" * 5_000,
    "itself": "scenario: x\nsteps: &a [*a]",
    "python": "scenario: !!python/object/apply:os.system [id]\nsteps: [say: x]",
    "steps": "scenario: x\nvendors: [userlike]\nsteps:\n" + "- say: x\n" * 3_000,
    "long pauses": "scenario: x\nsteps:\n- say: x\n- wait: " + "9" * 5_000 + "d\n",
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=list(BOMBS))
def test_yaml_that_grows_is_refused(idle: Client, text: str, target: Receiver) -> None:
    problem = idle.refused("POST", "/runs", {"yaml": text, "vendor": "userlike", "to": target.url()})
    assert (problem["status"], bool(problem["errors"][0]["line"])) == (422, True)
    assert idle.done("POST", "/lint", {"yaml": text})["valid"] is False


class TestOpenRelay:
    @pytest.mark.parametrize(
        "url", ["http://192.0.2.7/", "http://example.com/", "http://169.254.169.254/", "http://[fe80::1]/"]
    )
    def test_runs_go_to_this_machine_and_to_what_was_allowed(self, idle: Client, url: str) -> None:
        problem = idle.refused("POST", "/runs", {"yaml": STORY, "vendor": "userlike", "to": url})
        assert problem["status"] == 403
        assert problem["errors"][0]["pointer"] == "/to"
        assert "only to this machine" in problem["detail"]
        assert "--allow-target" in problem["detail"]

    def test_a_host_that_was_allowed(self, journal: Path) -> None:
        with serving(journal, allowed_targets=frozenset({"desk.invalid"})) as api:
            run = api.play("http://desk.invalid/hook")
            assert run["summary"]["verdict"] == "unreachable"
            assert api.refused("POST", "/runs", {"yaml": STORY, "vendor": "userlike", "to": "http://a.desk.invalid/"})


@pytest.fixture
def guarded(journal: Path) -> Iterator[Client]:
    """A server that asks for a token."""
    with serving(journal, admin_token=ADMIN) as client:
        yield client


class TestToken:
    @pytest.mark.parametrize(
        "value",
        [
            None,
            "Bearer wrong",
            "Bearer",
            f"Basic {ADMIN}",
            ADMIN,
            f"Bearer {ADMIN}x",
            f"Bearer {ADMIN[:-1]}",
            "Bearer é",
        ],
    )
    def test_missing_or_wrong(self, guarded: Client, value: str | None) -> None:
        headers = {} if value is None else {"Authorization": value}
        for method, path in (("GET", "/health"), ("GET", "/deliveries"), ("POST", "/reset"), ("GET", "/openapi.json")):
            answer = guarded(method, path, headers=headers)
            assert answer.problem["status"] == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert ADMIN not in answer.text

    def test_right(self, guarded: Client) -> None:
        assert guarded("GET", "/health", headers={"Authorization": f"bearer {ADMIN}"}).status == 200

    def test_every_operation_asks_for_it(self, guarded: Client, idle: Client) -> None:
        for path, operations in idle.get("/openapi.json")["paths"].items():
            for method in operations:
                address = re.sub(r"\{(\w+)\}", "1", path)
                assert guarded(method.upper(), address).status == 401, (method, path)

    def test_every_namespace_asks_for_it(self, guarded: Client) -> None:
        assert guarded.request("GET", f"/_ns/mine{API}/health").status == 401

    def test_the_page_loads_and_holds_no_data(self, guarded: Client) -> None:
        files = [path.relative_to(FILES).as_posix() for path in FILES.rglob("*") if path.is_file()]
        assert "index.html" in files
        for name in files:
            answer = guarded.request("GET", f"{PAGE}{name}")
            assert answer.status == 200
            assert answer.body == (FILES / name).read_bytes()


def test_other_machines_need_a_token(vendorsim: Vendorsim) -> None:
    completed = vendorsim("serve", "--host", "0.0.0.0", "--port", "0")
    assert (completed.code, completed.out) == (2, "")
    assert "give --admin-token TOKEN" in completed.err


SECRETS = {
    "secret": "wh-s3cr3t-w0rd",
    "header": "hdr-s3cr3t-w0rd",
    "password": "pwd-s3cr3t-w0rd",
    "query": "qry-s3cr3t-w0rd",
    "token": "tkn-s3cr3t-w0rd",
    "echo": "wh-s3cr3t-w0rd",
}


@pytest.mark.slow
def test_no_answer_holds_a_secret(journal: Path) -> None:
    echo = status(200, b"you sent " + SECRETS["header"].encode(), Set_Cookie=f"a={SECRETS['header']}")
    settings = {"token": SECRETS["token"], "admin_token": ADMIN, "checker": ServedChecks, "capturer": ServedCaptures}
    with serving(journal, **settings) as client, Receiver(echo) as target:
        api = Client(client.port, headers={"Authorization": f"Bearer {ADMIN}"})
        url = f"http://user:{SECRETS['password']}@127.0.0.1:{target.port}/hook?token={SECRETS['query']}"
        headers = {"X-Api-Token": SECRETS["header"], "Cookie": f"a={SECRETS['header']}"}
        wanted = {"vendor": "smartsupp", "profile": "webhooks", "secret": SECRETS["secret"], "headers": headers}
        run = api.play(url, **wanted)
        row = api.all("/deliveries")[-1]
        api.done(
            "POST", f"/deliveries/{row['id']}/resend", {"headers": {"Authorization": f"Bearer {SECRETS['header']}"}}
        )
        target_wanted = {"vendor": "messagehub", "url": url, "secret": SECRETS["secret"]}
        added = api.done("POST", "/targets", target_wanted)
        session = {"Authorization": f"Bearer {SECRETS['token']}"}
        client.request("POST", "/apps/api/v1/chats/s-1/end_user?k=1", {"identifier": "a"}, headers=session)
        api.done("POST", "/sessions", {"id": "s-2"})
        api.done("POST", "/sinks", {"name": "crm"})
        client.request("POST", f"/_sinks/crm?k={SECRETS['query']}", {}, headers=session)
        api.until(lambda: api.all("/calls", vendor="sink"), bool)
        assert target.requests[0].header("X-Api-Token") == SECRETS["header"]
        assert f"token={SECRETS['query']}" in target.requests[0].line
        checked = {"vendor": "userlike", "headers": headers, "to": url, "only": ["accepts.typical"]}
        check = api.done("POST", "/checks", checked)["id"]
        api.until(lambda: api.get(f"/checks/{check}")["status"], lambda found: found != "running")
        capture = api.done("POST", "/captures", {"vendor": "userlike", "forward": target.url("/hook")})
        passed = Client(int(capture["urls"][0].rpartition(":")[2]))
        passed.request("POST", f"/?token={SECRETS['query']}", {"_event": "start"}, headers=headers)
        api.done("POST", f"/captures/{capture['id']}/stop")
        seen: list[str] = [json.dumps(run), json.dumps(added), json.dumps(capture)]
        values: dict[str, Any] = {"number": None, "name": "forwarded-chat", "vendor": "smartsupp", "session": "s-1"}
        values["conversation"] = row["conversation"]
        numbers = {"runs": run["id"], "deliveries": row["id"], "calls": 1, "checks": check, "captures": capture["id"]}
        for path, operations in api.get("/openapi.json")["paths"].items():
            if "get" in operations:
                values["number"] = numbers.get(path.split("/")[1])
                answer = api("GET", path.format(**values | ({"name": "crm"} if path.startswith("/sinks") else {})))
                assert answer.status == 200, path
                seen.append(answer.text + str(answer.headers))
        kept = b"".join(path.read_bytes() for path in journal.parent.glob(journal.name + "*")).decode("latin-1")
    for name, secret in SECRETS.items():
        assert not [text for text in seen if secret in text], name
        assert secret not in kept, name
    assert ADMIN not in "".join(seen) + kept


def test_markup_in_a_name_stays_text(api: Client, target: Receiver) -> None:
    """The page shows such things as text; here they come back as JSON, whatever they hold."""
    markup = '<img src=x onerror="alert(1)"></script>'
    api.play(target.url(), cast={"visitor": {"name": markup}}, headers={"X-A": markup})
    shown = api("GET", f"/deliveries/{api.deliveries(OF_USERLIKE)[0]['id']}")
    assert shown.headers["Content-Type"] == "application/json"
    assert markup in json.loads(shown.json["request"]["body"]["text"])["client_name"]
    missing = api("GET", "/conversations/userlike/%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert missing.headers["Content-Type"] == "application/problem+json"


def test_what_is_no_http_at_all(idle: Client) -> None:
    with socket.create_connection(("127.0.0.1", idle.port), timeout=20) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
        assert connection.recv(1_000).startswith(b"HTTP/1.1 400")
    assert idle.get("/health")["status"] == "ok"
