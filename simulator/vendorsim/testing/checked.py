"""Runs the contract tests of an integration inside a test as `vendorsim check` does, and returns the result."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from msgspec import Struct

from vendorsim.checks.model import FAILED, FAMILIES, PASSED, Finding, Verdict
from vendorsim.checks.registry import all_checks
from vendorsim.checks.run import CheckRequest, prepare_checks
from vendorsim.core.errors import InputError, unknown
from vendorsim.http.endpoint import endpoint
from vendorsim.runs import config
from vendorsim.server.backend import ServerBackend
from vendorsim.testing.arguments import (
    ProbeArgument,
    as_tuple,
    checked_headers,
    origin,
    policy_changes,
    policy_texts,
    probes_of,
    refuse_running_loop,
)
from vendorsim.testing.played import VENDOR
from vendorsim.vendorkit.target import Target


class Checked(Struct, frozen=True):
    """The result of the checks. `missing` says, by check or family, why something required could not be judged."""

    verdict: Verdict
    missing: Mapping[str, str]
    again: str | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding: errors and warnings."""
        return tuple(self.verdict.findings)

    @property
    def unjudged(self) -> str | None:
        """Why nothing was judged, or None if a check was, or the exit code says already that the run did not pass."""
        results = self.verdict.results
        if self.verdict.exit_code or any(result.status in (PASSED, FAILED) for result in results):
            return None
        return "; ".join(dict.fromkeys(result.reason for result in results if result.reason)) or "nothing was selected"

    @property
    def passed(self) -> bool:
        """Whether no check failed, at least one was judged, and so was everything that is required."""
        return self.unjudged is None and not self.missing and self.verdict.exit_code == 0

    def report(self) -> str:
        """Returns the text that `vendorsim check` prints for such a run."""
        from vendorsim.reporting.check_terminal import print_verdict
        from vendorsim.reporting.console import plain

        text = io.StringIO()
        print_verdict(self.verdict, plain(text))
        return "\n".join(line.rstrip() for line in text.getvalue().splitlines())

    def explain(self) -> str:
        """Returns the verdict, the findings (some of them, if they are many), and how to reproduce them."""
        from vendorsim.reporting.check_failure import failure_text

        return failure_text(self.verdict, self.missing, self.again)

    def assert_passed(self) -> None:
        """Raises AssertionError with the explanation, if the run did not pass."""
        __tracebackhide__ = True
        if not self.passed:
            raise AssertionError(self.explain())


def check(
    to: str | None = None,
    *,
    vendor: str,
    profile: str | None = None,
    only: str | Sequence[str] = (),
    skip: str | Sequence[str] = (),
    require: str | Sequence[str] = (),
    probe: ProbeArgument = None,
    probe_ignore: str | Sequence[str] = (),
    seed: int = 0,
    headers: Mapping[str, str] | None = None,
    secret_env: str | Sequence[str] = (),
    policy: Mapping[str, object] | None = None,
    fuzz: bool = False,
    max_examples: int = 100,
    account: int | None = None,
    inbox: int | None = None,
    locale: str | None = None,
    state: ServerBackend | None = None,
    shown: str | None = None,
    again: str | None = None,
) -> Checked:
    """Runs the checks of a vendor against the integration at the URL `to`, as `vendorsim check` does.

    `{vendor}` in the URL is replaced by the vendor's name. Without `to`, the requests go to the vendor's first target
    in vendorsim.yaml. `only` selects checks, families, events or `check:event`; `skip` leaves checks or families out;
    `require` names checks or families that must have been judged. `probe` shows the integration's state: a URL template
    with {conversation_id} (one that begins with `/` is on the integration's own server), `module:function`, a function
    `(conversation_id, identifier) -> JSON document or None`, a command or a query as for `--probe`, or a mapping of
    names to several of these. `policy` overrides the vendor's, with the keys of
    `--policy`. `account` and `inbox` are the ids of the vendor's account and inbox in what is sent, `locale` that of
    made-up people and texts. With a `state`, the calls of its API are judged. Findings are reproduced with a command
    that names `shown` (default: `to`) as the target; `again` is a command that repeats the whole run.

    Raises InputError if the checks can't be run.
    """
    refuse_running_loop("check")
    url = None if to is None else to.replace(VENDOR, vendor)
    if url is not None:
        shown = endpoint(url).shown if shown is None else shown.replace(VENDOR, vendor)
    probes = probes_of(probe, url)
    texts = [one.text for one in probes]
    if url is not None and shown is not None:
        texts = [text.replace(origin(url), origin(shown)) for text in texts]
    required = _known("require", as_tuple(require))
    request = CheckRequest(
        vendor,
        profile,
        to=None if url is None else Target(url, secret_env=as_tuple(secret_env)),
        headers=checked_headers(headers or {}),
        policy=policy_changes(policy or {}),
        seed=seed,
        # In tests `require` says what must be judged.
        asks=False,
        only=as_tuple(only),
        skip=as_tuple(skip),
        probe=probes,
        probe_ignore=as_tuple(probe_ignore),
        fuzz=fuzz,
        max_examples=max_examples,
        account=account,
        inbox=inbox,
        locale=locale,
        command=(
            *_command(vendor, profile, shown, seed, as_tuple(secret_env), texts),
            *(("--account", str(account)) if account is not None else ()),
            *(("--locale", locale) if locale is not None else ()),
            *(("--inbox", str(inbox)) if inbox is not None else ()),
            *(word for key, value in policy_texts(policy or {}).items() for word in ("--policy", f"{key}={value}")),
        ),
    )
    verdict = prepare_checks(request, config.load()).run_to_end(lambda event: None, state=state)
    if verdict.interrupted:
        raise KeyboardInterrupt
    return Checked(verdict, _missing(verdict, required), again)


def _missing(verdict: Verdict, required: Sequence[str]) -> dict[str, str]:
    """Returns the required checks and families of which nothing was judged, with the reasons."""
    found: dict[str, str] = {}
    for name in required:
        results = [result for result in verdict.results if name in (result.check.id, result.check.family)]
        if not any(result.status in (PASSED, FAILED) for result in results):
            reasons = dict.fromkeys(result.reason for result in results if result.reason)
            found[name] = "; ".join(reasons) or "it was not selected"
    return found


def _known(argument: str, names: tuple[str, ...]) -> tuple[str, ...]:
    known = [*FAMILIES, *(check.id for check in all_checks())]
    for name in names:
        if name not in known:
            raise InputError(f"{argument}={name!r}: {unknown('check', name, known)}")
    return names


def _command(
    vendor: str,
    profile: str | None,
    to: str | None,
    seed: int,
    secret_env: Sequence[str],
    probes: Sequence[str],
) -> tuple[str, ...]:
    """Returns the command that repeats the run, as words without secrets."""
    words = ["vendorsim", "check", "--vendor", vendor]
    words += ["--profile", profile] if profile else []
    words += ["--to", to] if to is not None else []
    words += ["--seed", str(seed), *(word for name in secret_env for word in ("--secret-env", name))]
    words += [word for text in probes for word in ("--probe", text)]
    return tuple(words)
