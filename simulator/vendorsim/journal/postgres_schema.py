"""The tables that several servers share: their creation, and the removal of old rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vendorsim.core.errors import InputError

if TYPE_CHECKING:
    from psycopg import Connection

# A schema of its own, so that other programs can use the same database.
NAME = "vendorsim"
VERSION = 2
# The number of the advisory lock ("vsim"). Other programs must not use it.
_LOCK = 0x7673696D

# Callers choose request and session ids. `bytea` can store all of them; `text` can't store NUL.
_TABLES = """
CREATE TABLE IF NOT EXISTS vendorsim.version (number integer NOT NULL);
CREATE TABLE IF NOT EXISTS vendorsim.accepted (
    namespace text NOT NULL, request bytea NOT NULL, until timestamptz NOT NULL, PRIMARY KEY (namespace, request)
);
CREATE INDEX IF NOT EXISTS accepted_until ON vendorsim.accepted (until);
CREATE TABLE IF NOT EXISTS vendorsim.sessions (
    namespace text NOT NULL, session bytea NOT NULL, number bigserial NOT NULL,
    ended boolean NOT NULL DEFAULT false, crm_supported boolean NOT NULL DEFAULT true,
    answers text[] NOT NULL DEFAULT '{}', end_user text, set_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (namespace, session)
);
CREATE UNIQUE INDEX IF NOT EXISTS sessions_number ON vendorsim.sessions (namespace, number);
CREATE TABLE IF NOT EXISTS vendorsim.forced (
    namespace text PRIMARY KEY, answers text[] NOT NULL, set_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS vendorsim.runs (
    id bigserial PRIMARY KEY, began_at bigint NOT NULL, command text NOT NULL, version text NOT NULL,
    about text NOT NULL, ended_at bigint, namespace text NOT NULL, server text NOT NULL,
    hidden boolean NOT NULL DEFAULT false
);
CREATE INDEX IF NOT EXISTS runs_namespace ON vendorsim.runs (namespace);
CREATE TABLE IF NOT EXISTS vendorsim.resets (
    namespace text PRIMARY KEY, attempts bigint NOT NULL, calls bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS vendorsim.attempts (
    id bigserial PRIMARY KEY, run bigint NOT NULL REFERENCES vendorsim.runs ON DELETE CASCADE,
    sent_at bigint, at bigint NOT NULL, vendor text NOT NULL, profile text NOT NULL, event text NOT NULL,
    event_id text NOT NULL, conversation text NOT NULL, delivery text NOT NULL, attempt integer NOT NULL,
    copy integer NOT NULL, target text NOT NULL, request_head bytea, request_body bytea, status integer,
    answer_headers text, answer_body bytea, milliseconds double precision, verdict text NOT NULL,
    final boolean NOT NULL, faults text NOT NULL, reason text, request_sent bytea, ending text,
    recorded integer NOT NULL DEFAULT 0, problem text,
    said_by text, said text, in_flight_with text
);
CREATE INDEX IF NOT EXISTS attempts_run ON vendorsim.attempts (run);
CREATE TABLE IF NOT EXISTS vendorsim.calls (
    id bigserial PRIMARY KEY, run bigint NOT NULL REFERENCES vendorsim.runs ON DELETE CASCADE,
    at bigint NOT NULL, operation text NOT NULL, comm_type text NOT NULL, session text NOT NULL,
    credentials text, fields text, status integer NOT NULL, message text NOT NULL, vendor text NOT NULL,
    method text NOT NULL, path text NOT NULL, body bytea, head bytea, answer_headers text, answer_body bytea,
    milliseconds double precision, recorded integer NOT NULL DEFAULT 0, problem text
);
CREATE INDEX IF NOT EXISTS calls_run ON vendorsim.calls (run);
"""
# One row per conversation and run, as in `vendorsim.journal.store`; and what reads a conversation quickly.
_CONVERSATIONS = """
CREATE TABLE vendorsim.conversations (
    run bigint NOT NULL REFERENCES vendorsim.runs ON DELETE CASCADE, vendor text NOT NULL, conversation text NOT NULL,
    profile text NOT NULL, visitor text, opening text, attempts bigint NOT NULL, failed bigint NOT NULL,
    last_id bigint NOT NULL, last_at bigint, PRIMARY KEY (run, vendor, conversation)
);
CREATE INDEX conversations_last ON vendorsim.conversations (last_id);
CREATE INDEX conversations_name ON vendorsim.conversations (conversation);
CREATE INDEX attempts_conversation ON vendorsim.attempts (conversation);
CREATE INDEX attempts_not_delivered ON vendorsim.attempts (verdict, id) WHERE verdict <> 'delivered';
CREATE INDEX calls_session ON vendorsim.calls (session)
"""
# Makes tables of version 1 those of version 2.
_UPGRADE = f"""
ALTER TABLE vendorsim.attempts ADD COLUMN recorded integer NOT NULL DEFAULT 0, ADD COLUMN problem text,
    ADD COLUMN said_by text, ADD COLUMN said text, ADD COLUMN in_flight_with text;
ALTER TABLE vendorsim.calls ADD COLUMN head bytea, ADD COLUMN answer_headers text, ADD COLUMN answer_body bytea,
    ADD COLUMN milliseconds double precision, ADD COLUMN recorded integer NOT NULL DEFAULT 0,
    ADD COLUMN problem text;
{_CONVERSATIONS};
INSERT INTO vendorsim.conversations SELECT run, vendor, conversation, min(profile), NULL, NULL, count(*),
    count(*) FILTER (WHERE verdict IN ('rejected', 'timed out', 'broken', 'unreachable') AND milliseconds IS NOT NULL),
    max(id), max(sent_at) FROM vendorsim.attempts GROUP BY run, vendor, conversation;
UPDATE vendorsim.version SET number = 2
"""

# Runs when a server starts. Deletes expired requests, and settings in namespaces that nobody has reset.
_SWEEP = """
DELETE FROM vendorsim.accepted WHERE until <= now();
DELETE FROM vendorsim.sessions WHERE set_at < now() - interval '30 days';
DELETE FROM vendorsim.forced WHERE set_at < now() - interval '30 days'
"""


def prepare(connection: Connection[Any]) -> None:
    """Creates the tables if they are missing, upgrades those of an older version, and deletes expired rows.

    Raises InputError for tables of a newer version.
    """
    with connection.transaction():
        # If several servers start together, only one creates the tables.
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        if connection.execute("SELECT to_regclass('vendorsim.version')").fetchone() == (None,):
            # CREATE SCHEMA IF NOT EXISTS needs the right to create schemas even when the schema exists.
            if connection.execute("SELECT to_regnamespace(%s)", (NAME,)).fetchone() == (None,):
                connection.execute("CREATE SCHEMA vendorsim")
            connection.execute((_TABLES + _CONVERSATIONS).encode())
            connection.execute("INSERT INTO vendorsim.version VALUES (%s)", (VERSION,))
        found = connection.execute("SELECT number FROM vendorsim.version").fetchone()
        if found == (1,):
            connection.execute(_UPGRADE.encode())
            found = (VERSION,)
        if found == (VERSION,):
            connection.execute(_SWEEP)
    if found != (VERSION,):
        raise InputError(
            "its schema vendorsim is of another version of vendorsim; use another database, "
            "or drop the schema when no server uses it (DROP SCHEMA vendorsim CASCADE)"
        )
