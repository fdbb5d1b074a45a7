"""The program of a process that generates bodies with Schemathesis; `vendorsim.checks.makers` starts it.

Only this module imports Schemathesis, on first use. It reads orders, and the outcomes of bodies, from standard input
and writes bodies to standard output, each as a line of JSON.
"""

from __future__ import annotations

import base64
import json
import re
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import jsonschema_rs

# Texts for a pattern. Each is dear to make, and has only to fit.
TEXTS = 50
# Unknown fields of an object. Values of any shape took half of the time.
MOST_UNKNOWN = 1


class Enough(BaseException):
    """Stops the generation. Not an `Exception`, since Hypothesis takes those for failures."""


class BodyFailed(Exception):
    """The integration fails on a body."""


@cache
def failed(kind: str) -> type[BodyFailed]:
    """Returns an exception type for each kind of failure: Hypothesis shrinks the bodies of each type separately."""
    return type("Failed", (BodyFailed,), {"__doc__": kind})


def serve() -> None:
    """Carries out one order after the other, until standard input ends."""
    orders, bodies = sys.stdin.buffer, sys.stdout.buffer
    if hasattr(signal, "SIGPIPE"):
        # Ends without a word where nobody listens any more.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    # What a library prints is no body.
    sys.stdout = sys.stderr

    def tell(message: Any) -> None:
        bodies.write(json.dumps(message).encode() + b"\n")
        bodies.flush()

    def try_out(body: Any) -> None:
        tell({"raw": base64.b64encode(body).decode()} if isinstance(body, bytes) else {"body": body})
        if not (line := orders.readline()):
            raise Enough
        outcome = json.loads(line)
        if outcome is False:
            raise Enough
        if outcome is not True:
            raise failed(outcome)

    with suppress(ImportError):
        # Schemathesis has no setting for it. Nothing else is generated in this process.
        from schemathesis.generation.jsonschema import strategy

        strategy._EXTRA_KEYS = MOST_UNKNOWN
    for line in orders:
        generate(try_out=try_out, **json.loads(line))
        tell({})


def generate(document: dict[str, Any], valid: bool, count: int, seed: int, try_out: Callable[[Any], None]) -> None:
    """Calls `try_out` with `count` bodies for the single operation of an OpenAPI document. Reproducible by `seed`.

    A body is a JSON document, or bytes that are not JSON. If `try_out` raises a subtype of BodyFailed, the body is
    shrunk; the last call for each subtype gets the smallest failing body.
    """
    import hypothesis
    import schemathesis
    from schemathesis.config import SchemathesisConfig

    config = SchemathesisConfig()
    # All characters but surrogates, as with UTF-8, which Hypothesis would try out character by character.
    config.projects.default.generation.codec = None
    schema = schemathesis.openapi.from_dict(with_texts(document), config=config)
    ((_, operations),) = schema.items()
    mode = schemathesis.GenerationMode.POSITIVE if valid else schemathesis.GenerationMode.NEGATIVE

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
        suppress_health_check=tuple(hypothesis.HealthCheck),
        deadline=None,
        database=None,
        print_blob=False,
        verbosity=hypothesis.Verbosity.quiet,
    )
    @hypothesis.given(operations["POST"].as_strategy(mode))
    def each(case: Any) -> None:
        try_out(case.body)

    # `try_out` has told of the failures, flaky ones included.
    with suppress(Enough):
        try:
            each()
        except* (BodyFailed, hypothesis.errors.Flaky):
            pass


def with_texts(schema: Any) -> Any:
    """Returns a copy of a document, in which texts that fit take the place of each pattern."""
    if isinstance(schema, list):
        return [with_texts(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: with_texts(value) for key, value in schema.items()}
    pattern, types = schema.get("pattern"), schema.get("type")
    if not isinstance(pattern, str) or not schema.keys().isdisjoint({"enum", "const", "anyOf"}):
        return changed
    if types == "string" and (known := texts(pattern)):
        del changed["pattern"]
        return changed | {"enum": known}
    if isinstance(types, list) and "string" in types and (known := texts(pattern)):
        del changed["pattern"]
        others = [name for name in types if name != "string"]
        return changed | {"anyOf": [{"type": others}, {"enum": known}]}
    return changed


@cache
def texts(pattern: str) -> list[str]:
    """Returns texts that fit a pattern of JSON Schema, the simplest one first; none if Python can't make them."""
    import hypothesis
    from hypothesis import strategies

    characters = strategies.characters(exclude_categories=["Cs"])
    fits = jsonschema_rs.Draft202012Validator({"pattern": pattern}).is_valid
    found: dict[str, None] = {}

    @hypothesis.seed(0)
    @hypothesis.settings(
        max_examples=TEXTS,
        phases=(hypothesis.Phase.generate,),
        suppress_health_check=tuple(hypothesis.HealthCheck),
        deadline=None,
        database=None,
    )
    @hypothesis.given(strategies.from_regex(pattern, alphabet=characters).filter(fits))
    def each(text: str) -> None:
        found[text] = None

    try:
        each()
    except (re.error, hypothesis.errors.HypothesisException):
        return []
    return sorted(found, key=lambda text: (len(text), text))


if __name__ == "__main__":
    serve()
