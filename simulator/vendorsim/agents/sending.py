"""Tools that send to the integration: play, check, resend. Each asks the workplace before it sends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from msgspec.structs import replace

from vendorsim.agents.deliveries import attempt_row
from vendorsim.agents.stories import ACCOUNT, PROFILE, SEED, STORY, VENDOR, request
from vendorsim.agents.tool import Tool
from vendorsim.agents.workplace import Workplace
from vendorsim.checks.run import CheckRequest, prepare_checks
from vendorsim.core.errors import InputError, UnreachableError
from vendorsim.core.shapes import INVALID, Integer, Key, ListOf, Text
from vendorsim.core.yaml_nodes import Node, Problems, Sequence, plain
from vendorsim.delivery.planning import prepare
from vendorsim.delivery.playing import run_to_end
from vendorsim.delivery.records import Record
from vendorsim.delivery.sequencer import Sequencer
from vendorsim.http.endpoint import endpoint
from vendorsim.journal.documents import received_call
from vendorsim.journal.recorder import Recorder
from vendorsim.journal.resending import prepare_resending
from vendorsim.journal.store import Journal
from vendorsim.load.traffic_shapes import FaultOption
from vendorsim.probes.model import PLACEHOLDERS, NamedSource, fill
from vendorsim.probes.reading import read_probe
from vendorsim.reporting.text import encodable
from vendorsim.runs.config import Config
from vendorsim.server.app import create_app
from vendorsim.server.backend import ServerBackend
from vendorsim.server.fast_path import fast_path
from vendorsim.server.serving import serve_app
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.target import Target

MOST_RECORDS = 300
LONGEST_PLAY = 120.0
"""Seconds after which a play is ended."""
LONGEST_CHECK = 600
_DEFAULT_CHECK = 120
_TO = Key(
    Text(), help="URL of the integration, on this machine or an allowed host; default: the targets in vendorsim.yaml"
)
_PORT = Key(
    Integer(1, 65_535),
    help="port of 127.0.0.1 on which the vendors' APIs answer meanwhile, for an integration that calls them",
)
_PATTERNS = ListOf(Text(), single=True)
# Milliseconds for which the same identification of a visitor counts as a duplicate; a check waits until they are over.
APIS_OF_PLAY, APIS_OF_CHECK = 60_000, 1_500


class _FaultTexts(ListOf):
    """A list of faults; read as a mapping of their texts to the faults."""

    def __init__(self) -> None:
        super().__init__(FaultOption(), single=True)

    def read(self, node: Node, problems: Problems) -> Any:
        faults = super().read(node, problems)
        if faults is INVALID:
            return INVALID
        texts = [str(plain(item)) for item in (node.items if isinstance(node, Sequence) else (node,))]
        return dict(zip(texts, faults, strict=True))


class _Records:
    """The documents of the first records of a run, and how many there are."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []
        self.count = 0

    def add(self, document: dict[str, Any]) -> None:
        self.count += 1
        if len(self.kept) < MOST_RECORDS:
            self.kept.append(document)


def _play(place: Workplace, arguments: Mapping[str, Any]) -> dict[str, Any]:
    place.require_sending()
    port, faults = arguments.get("serve_port"), arguments.get("faults", {})
    asked = request(arguments, faults=tuple(faults.values()), serving=port is not None)
    sends_events = bool(registry.get(asked.vendor).profile(asked.profile).events)
    to = place.target(asked.vendor, arguments.get("to"), needed=sends_events or port is None)
    asked = replace(asked, to=to)
    with _served(place, port, APIS_OF_PLAY) as (state, url):
        prepared = prepare(replace(asked, server=url), place.config)
        records = _Records()

        def report(record: Record) -> None:
            records.add(record.document())

        journal = None if place.journal is None else Journal(place.journal)
        number = None if journal is None else journal.begin("play", prepared.about(list(faults)))
        recorder = Recorder(journal, number or 0, Sequencer(report), lambda call: records.add(received_call(call)))
        try:
            summary = run_to_end(
                prepared, recorder, settings=place.transport, state=state, stopping=None, longest=LONGEST_PLAY
            )
        finally:
            recorder.close()
    document = {"summary": summary.document(), "run": number, "records": records.kept}
    left_out = records.count - len(records.kept)
    return {"records_left_out": left_out, **document} if left_out else document


def _check(place: Workplace, arguments: Mapping[str, Any]) -> dict[str, Any]:
    place.require_sending()
    vendor, seconds = arguments["vendor"], arguments.get("seconds", _DEFAULT_CHECK)
    target = place.target(vendor, arguments.get("to"))
    names = ("profile", "seed", "only", "skip", "require", *ACCOUNT)
    asked = CheckRequest(
        vendor,
        **{name: arguments[name] for name in names if name in arguments},
        to=target,
        probe=_probe(place, vendor, arguments.get("probe")),
        budget=float(seconds),
        command=_command(place, target, arguments),
    )
    checks = prepare_checks(asked, place.config)
    with _served(place, arguments.get("serve_port"), APIS_OF_CHECK, may_delay=True) as (state, url):
        verdict = checks.run_to_end(lambda event: None, place.transport, state, url)
    document = {"exit_code": verdict.exit_code, **encodable(verdict.document())}
    # What matters most is read first.
    first = ("vendor", "profile", "target", "verdict", "exit_code", "reason", "unmet", "findings", "checks")
    return {name: document[name] for name in first} | document


def _resend(place: Workplace, arguments: Mapping[str, Any]) -> dict[str, Any]:
    place.require_sending()
    row, to = attempt_row(place, arguments["id"]), arguments.get("to")
    # The headers of the attempt's own target, which may be secrets, go nowhere else.
    resending = prepare_resending(row, place.config if to is None else Config(), to)
    place.check_url(row["vendor"], resending.receiver.shown, "id" if to is None else "to")
    masked = {"masked_headers": list(resending.masked)} if resending.masked else {}
    return resending.send(place.transport) | masked


@contextmanager
def _served(
    place: Workplace, port: int | None, duplicate_interval: int, *, may_delay: bool = False
) -> Iterator[tuple[ServerBackend | None, str | None]]:
    """Serves the vendors' APIs on a port of this machine, if one is given; yields their state and URL. Raises
    InputError if the port is taken."""
    if port is None:
        yield None, None
        return
    state = ServerBackend(duplicate_interval=duplicate_interval, sinks=place.config.sinks)
    fast_paths = () if may_delay else (fast_path(state),)
    with ExitStack() as stack:
        stack.callback(state.close)
        try:
            server = stack.enter_context(serve_app(create_app(state), "127.0.0.1", port, *fast_paths))
        except UnreachableError:
            raise InputError(f"/serve_port: port {port} of 127.0.0.1 is in use; choose another one") from None
        yield state, server.url


def _probe(place: Workplace, vendor: str, text: str | None) -> tuple[NamedSource, ...]:
    """The probe of an argument: a URL only, since other kinds run commands and code. Raises InputError."""
    if text is None:
        return ()
    if not text.startswith(("http://", "https://")):
        raise InputError("/probe: a probe is a URL with {conversation_id}; other kinds stand in vendorsim.yaml")
    place.check_url(vendor, fill(text, dict.fromkeys(PLACEHOLDERS, "x")), "probe")
    return (read_probe(text),)


def _command(place: Workplace, target: Target | None, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The command line that repeats a check, as words without secrets; findings add what selects them."""
    words = ["vendorsim", "check", "--seed", str(arguments.get("seed", 0))]
    for name in ("vendor", "profile", "account", "inbox", "locale"):
        if name in arguments:
            words += [f"--{name}", str(arguments[name])]
    if target is not None:
        words += ["--to", endpoint(target.url).shown]
        for variable in target.secret_env:
            words += ["--secret-env", variable]
    if place.config.file is not None:
        words += ["--config", place.config.file]
    if "probe" in arguments:
        words += ["--probe", read_probe(arguments["probe"]).text]
    if "serve_port" in arguments:
        words += ["--serve", str(arguments["serve_port"])]
    return tuple(words)


TOOLS = (
    Tool(
        "play",
        "Play a scenario",
        "Send the webhooks of a scenario to the integration, as the vendor would, without waiting in its pauses. Gives "
        "the summary with the verdict, and one record per attempt. The journal keeps requests and answers.",
        {
            **STORY,
            "to": _TO,
            "faults": Key(
                _FaultTexts(), help="deliberate errors of all deliveries, such as duplicate@0.3 or delay=30s"
            ),
            "serve_port": _PORT,
        },
        _play,
        sends=True,
    ),
    Tool(
        "check",
        "Check an integration",
        "Judge the integration against the vendor's contract: sends valid, unusual and forbidden requests, and gives "
        "the verdict and findings, each with its remedy and the command that repeats it. Most families need a probe or "
        "serve_port; what can't be judged says why.",
        {
            "vendor": Key(VENDOR, required=True, help="the vendor"),
            "profile": PROFILE,
            "to": _TO,
            "probe": Key(
                Text(),
                help="URL that gives the integration's state of one conversation as JSON, such as "
                "http://localhost:8000/state/{conversation_id}; default: that of the target in vendorsim.yaml",
            ),
            "serve_port": _PORT,
            "only": Key(_PATTERNS, help="only these checks, families or events; * is a wildcard"),
            "skip": Key(_PATTERNS, help="leave out these"),
            "require": Key(_PATTERNS, help="families that must be judged"),
            "seed": SEED,
            **ACCOUNT,
            "seconds": Key(Integer(1, LONGEST_CHECK), help=f"time for the whole run; default {_DEFAULT_CHECK}"),
        },
        _check,
        sends=True,
    ),
    Tool(
        "resend",
        "Resend a delivery",
        "Send the request of one attempt from the journal again, byte for byte. The journal keeps no secrets: masked "
        "headers get their values from the target in vendorsim.yaml, or stay masked.",
        {
            "id": Key(Integer(1, 2**63 - 1), required=True, help="the id of the attempt, from list_deliveries"),
            "to": Key(Text(), help="another URL, on this machine or an allowed host; default: the original target"),
        },
        _resend,
        sends=True,
    ),
)
