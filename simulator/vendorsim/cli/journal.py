"""`vendorsim journal`: lists, shows, resends and exports what was sent and received."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import orjson

from vendorsim.cli import options
from vendorsim.cli.journals import journal_path
from vendorsim.core.errors import InputError
from vendorsim.http.endpoint import header
from vendorsim.journal.documents import attempt_document, attempt_summary, call_document
from vendorsim.journal.undelivered import undelivered
from vendorsim.reporting.console import escape, messages, print_json, results, table, write_line

if TYPE_CHECKING:
    from vendorsim.http.transport_options import TransportOptions, TransportSettings
    from vendorsim.journal.pages import Row
    from vendorsim.journal.store import Book
    from vendorsim.runs.config import Config


@click.group("journal")
def command() -> None:
    """List, show, resend and export what was sent and received.

    \b
    vendorsim journal list
    vendorsim journal show 17
    """


def _file(function: Any) -> Any:
    return click.option(
        "--journal",
        "file",
        metavar="FILE",
        envvar="VENDORSIM_JOURNAL",
        help="Journal file, or the database URL of servers with shared state; default: the project's journal.",
    )(function)


@command.command("list", cls=options.Command)
@click.option("--run", "run", type=click.IntRange(0), help="Only this run; default: the last one.")
@click.option("--all", "everything", is_flag=True, help="All runs.")
@click.option(
    "--most", type=click.IntRange(1), default=200, show_default=True, help="Maximum rows; the newest are kept."
)
@_file
@options.json_output
def list_(run: int | None, everything: bool, most: int, file: str | None, as_json: bool) -> None:
    """List attempts and received calls, the oldest first.

    \b
    vendorsim journal list --all --most 50
    """
    journal = _open(file)
    chosen = None if everything else _chosen(journal, run)
    attempts = list(journal.attempts(chosen, newest_first=True, most=most))[::-1]
    calls = list(journal.calls(chosen, newest_first=True, most=most))[::-1]
    if as_json:
        print_json([attempt_summary(row) for row in attempts] + [call_document(row) for row in calls])
        return
    rows = table("id", "run", "sent at", "event", "attempt", "status", "ms", "verdict", "faults")
    for row in attempts:
        attempt = attempt_summary(row)
        attempt["verdict"] += ", recorded" * attempt["recorded"]
        rows.add_row(*[_cell(attempt[key]) for key in _LISTED])
    results().print(rows)
    if calls:
        received = table("id", "received", "operation", "request", "session", "status", "answer")
        for row in calls:
            call = call_document(row)
            name, request = f"{call['vendor']}.{call['operation'] or '?'}", f"{call['method']} {call['path']}"
            name += ", recorded" * call["recorded"]
            cells = (str(call["id"]), call["at"], name, request, call["session"], str(call["status"]), call["message"])
            received.add_row(*map(escape, cells))
        results().print(received)


@command.command("show", cls=options.Command)
@click.argument("number", type=click.IntRange(1), metavar="ID")
@click.option("--call", "is_call", is_flag=True, help="Show call ID, one of the integration.")
@_file
@options.json_output
def show(number: int, is_call: bool, file: str | None, as_json: bool) -> None:
    """Show attempt ID: the request, byte for byte, and its answer. Secrets are masked.

    Of a call the request's head and the whole answer are known only if it was recorded on its way to the vendor.

    \b
    vendorsim journal show 17
    """
    journal = _open(file)
    document = call_document(_call(journal, number)) if is_call else attempt_document(_attempt(journal, number))
    if as_json:
        print_json(document)
        return
    reason = document["message" if is_call else "reason"]
    outcome = f"{document['vendor']}.{document['operation'] or '?'}" if is_call else document["verdict"]
    recorded = ", recorded" * document["recorded"]
    click.echo(
        f"# {'call' if is_call else 'attempt'} {number}: {outcome}{recorded}" + (f", {reason}" if reason else "")
    )
    if document.get("problem"):
        click.echo(f"# {document['problem']}")
    request, answer = document.get("request"), document.get("answer")
    if is_call and request is None:
        click.echo(
            f"{document['method']} {document['path']}\n\n{document['body'] or ''}\n\n# answered {document['status']}"
        )
    if document.get("faults"):
        click.echo(f"# faults: {', '.join(document['faults'])}")
    if request is not None:
        click.echo(request["head"].rstrip() + "\n")
        _echo_body(request["body"])
    if answer is not None:
        click.echo(f"\n# answered {document['status']} after {document['milliseconds']:.1f} ms")
        for name, value in answer["headers"]:
            click.echo(f"{name}: {value}")
        click.echo()
        _echo_body(answer["body"])


def _echo_body(body: dict[str, str]) -> None:
    if "encoding" in body:
        click.echo(f"# not UTF-8, shown in {body['encoding']}:")
    click.echo(body["text"])


@command.command("resend", cls=options.Command)
@click.argument("number", type=click.IntRange(1), metavar="ID", required=False)
@click.option("--failed", is_flag=True, help="All deliveries of the run that failed or were lost, in their order.")
@click.option("--run", "run", type=click.IntRange(0), help="With --failed: of this run; default: the last one.")
@click.option("--to", metavar="URL", help="Send to this URL instead of the original target.")
@click.option("--header", "headers", multiple=True, metavar="'K: V'", help="The value of a masked header; repeatable.")
@_file
@options.transport
@options.config_file
@options.json_output
def resend(
    number: int | None,
    failed: bool,
    run: int | None,
    to: str | None,
    headers: tuple[str, ...],
    file: str | None,
    transport: TransportOptions,
    config_file: str | None,
    as_json: bool,
) -> int:
    """Send the request of attempt ID again, byte for byte, or with --failed those of all that was not delivered.

    The journal keeps no secrets. Masked headers get their values from the target in vendorsim.yaml or from --header.

    \b
    vendorsim journal resend 17
    vendorsim journal resend --failed
    """
    from vendorsim.runs import config

    if (number is None) is not failed:
        raise click.UsageError("give the ID of an attempt, or --failed")
    if run is not None and not failed:
        raise click.UsageError("--run chooses the run of --failed; an ID is enough without it")
    journal, loaded, settings = _open(file), config.load(config_file), transport.load()
    rows = undelivered(journal.attempts(_chosen(journal, run))) if number is None else [_attempt(journal, number)]
    given = dict(header(text) for text in headers)
    resent = [_resend(row, to, given, loaded, settings) for row in rows]
    if as_json:
        print_json(resent if failed else resent[0])
    else:
        for one in resent:
            answered = one["status"] is not None
            took = f"answered {one['status']} after {one['milliseconds']:.1f} ms"
            outcome = took if answered else f"no answer: {one['reason']}"
            click.echo(f"attempt {one['id']} sent again to {one['target']}: {outcome}")
        if not resent:
            messages().print("everything was delivered: there is nothing to send again")
    return 0 if all(one["status"] is not None for one in resent) else 3


def _resend(
    row: Row, to: str | None, headers: dict[str, str], loaded: Config, settings: TransportSettings
) -> dict[str, Any]:
    """Sends the request of an attempt again, and returns what came of it."""
    from vendorsim.journal.resending import prepare_resending

    resending = prepare_resending(row, loaded, to, headers)
    sent = resending.send(settings)
    for name in resending.masked:
        messages().print(f"the value of {name} is masked in the journal; give it with --header '{name}: …'")
    return sent


@command.command("export", cls=options.Command)
@click.option("--format", "form", type=click.Choice(["jsonl", "har"]), default="jsonl", show_default=True)
@click.option("--run", "run", type=click.IntRange(0), help="Only this run; default: the last one.")
@click.option("--all", "everything", is_flag=True, help="All runs.")
@_file
def export(form: str, run: int | None, everything: bool, file: str | None) -> None:
    """Print attempts and received calls as JSON Lines, or as a HAR file. Secrets are masked.

    \b
    vendorsim journal export --format har > run.har
    """
    from vendorsim.journal.har import har

    journal = _open(file)
    chosen = None if everything else _chosen(journal, run)
    if form == "har":
        print_json(har(journal.attempts(chosen), journal.calls(chosen)))
        return
    for row in journal.attempts(chosen):
        write_line(orjson.dumps(attempt_document(row)))
    for row in journal.calls(chosen):
        write_line(orjson.dumps(call_document(row)))


_LISTED = ("id", "run", "sent_at", "event", "attempt", "status", "milliseconds", "verdict", "faults")


def _chosen(journal: Book, run: int | None) -> int | None:
    """The run that was asked for, or the last one; None in an empty journal."""
    return journal.last_run() if run is None else run


def _open(file: str | None) -> Book:
    journal: Book
    if file is not None and file.startswith(("postgresql://", "postgres://")):
        from vendorsim.journal.postgres import Database
        from vendorsim.journal.postgres_journal import PostgresJournal

        database = click.get_current_context().with_resource(Database(file))
        journal = PostgresJournal(database)
    else:
        from vendorsim.journal.store import Journal

        journal = Journal(journal_path(file), must_exist=True)
    click.get_current_context().call_on_close(journal.close)
    return journal


def _attempt(journal: Book, number: int) -> Row:
    row = journal.attempt(number)
    if row is None:
        raise InputError(f"{journal.path}: there is no attempt {number}; see vendorsim journal list --all")
    return row


def _call(journal: Book, number: int) -> Row:
    row = journal.call(number)
    if row is None:
        raise InputError(f"{journal.path}: there is no call {number}; see vendorsim journal list --all")
    return row


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.1f}"
    return ", ".join(value) if isinstance(value, list) else str(value)
