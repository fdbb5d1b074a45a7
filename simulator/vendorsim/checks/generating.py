"""Generates bodies with Schemathesis. Only this module imports it, on first use."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

from vendorsim.core.errors import MissingExtraError


def require_schemathesis() -> None:
    """Raises MissingExtraError if Schemathesis is not installed. Imports nothing: that takes seconds."""
    if find_spec("schemathesis") is None:
        raise MissingExtraError("--fuzz", "Schemathesis", "fuzz")


class Enough(BaseException):
    """Stops the generation. Not an `Exception`, since Hypothesis takes those for failures."""


class BodyFailed(Exception):
    """The integration fails on a body."""


@cache
def failed(kind: str) -> type[BodyFailed]:
    """Returns an exception type for each kind of failure: Hypothesis shrinks the bodies of each type separately."""
    return type("Failed", (BodyFailed,), {"__doc__": kind})


def generate(document: dict[str, Any], valid: bool, try_out: Callable[[Any], None], count: int, seed: int) -> None:
    """Calls `try_out` with `count` bodies for the single operation of an OpenAPI document. Reproducible by `seed`.

    A body is a JSON document, or bytes that are not JSON. If `try_out` raises a subtype of BodyFailed, the body is
    shrunk; the last call for each subtype gets the smallest failing body.
    """
    import hypothesis
    import schemathesis
    from hypothesis.configuration import set_hypothesis_home_dir
    from schemathesis.config import SchemathesisConfig

    schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig())
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

    # Keeps Hypothesis from writing into the working directory.
    with tempfile.TemporaryDirectory(prefix="vendorsim-fuzz-") as folder:
        set_hypothesis_home_dir(folder)
        try:
            each()
        except* (Enough, BodyFailed, hypothesis.errors.Flaky):
            # `try_out` has recorded the failures, flaky ones included.
            pass
        finally:
            set_hypothesis_home_dir(None)
