"""Makes up bodies with Schemathesis, which is imported here and nowhere else, and only when it is wanted."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from typing import Any

from vendorsim.checks.model import NotJudged


class Enough(BaseException):
    """Ends the generation at once. No `Exception`, since Hypothesis takes those for failures."""


class BodyFailed(Exception):
    """A body that fails."""


@cache
def failed(kind: str) -> type[BodyFailed]:
    """An exception of its own for each kind of failure: Hypothesis shrinks the bodies of each type for themselves."""
    return type("Failed", (BodyFailed,), {"__doc__": kind})


def generate(document: dict[str, Any], valid: bool, try_out: Callable[[Any], None], count: int, seed: int) -> None:
    """Tries out `count` bodies for the one operation of an OpenAPI document; the same seed gives the same bodies.

    A body is a JSON document, or bytes that are none. `try_out` raises BodyFailed for a body that fails: then that body
    is shrunk, and the smallest one that fails alike is tried out last, for each of its types. Raises NotJudged where
    Schemathesis is not installed.
    """
    try:
        import hypothesis
        import schemathesis
        from hypothesis.configuration import set_hypothesis_home_dir
        from schemathesis.config import SchemathesisConfig
    except ImportError:
        raise NotJudged("Schemathesis is not installed: pip install schemathesis") from None

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

    # Hypothesis keeps notes of its own in the working directory otherwise.
    with tempfile.TemporaryDirectory(prefix="vendorsim-fuzz-") as folder:
        set_hypothesis_home_dir(folder)
        try:
            each()
        except* (Enough, BodyFailed, hypothesis.errors.Flaky):
            # Whoever tries the bodies out has seen what failed, and what did so only once.
            pass
        finally:
            set_hypothesis_home_dir(None)
