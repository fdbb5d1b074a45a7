"""`check` runs on every profile, and the correct helpdesk understands them all: no finding, not even a warning."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Vendorsim
from thorough import few_of
from variants.model import SECRET, running
from vendorsim.checks.waiting import Waiting
from vendorsim.vendorkit import registry

# The default profiles are checked in test_variants.py.
PROFILES = [
    (vendor.name, profile.name)
    for vendor in map(registry.get, registry.names())
    for profile in vendor.profiles.values()
    if profile.events and profile.name != "documented"
]

# What tells profiles apart: their bodies, their signatures, and what of them is kept. The newest profile of each vendor
# is checked in this way by all tests; thorough ones check every profile by all checks.
QUICK = "accepts.typical,authenticates,rejects.no_object,effects.none,retry_safe,isolated"
NEWEST = list(dict(PROFILES).items())
SELECTIONS = [
    *few_of([(*each, QUICK) for each in NEWEST], 1, map("-".join, NEWEST), others=pytest.mark.slow),
    *(pytest.param(*profile, "*", id="-".join((*profile, "all")), marks=pytest.mark.thorough) for profile in PROFILES),
]


@pytest.mark.parametrize(("vendor", "profile", "only"), SELECTIONS)
def test_the_correct_helpdesk_gets_not_even_a_warning(
    vendor: str, profile: str, only: str, vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHECKED_SECRET", SECRET)
    signs = registry.get(vendor).profile(profile).policy.signing.value is not None
    secret = ("--secret-env", "CHECKED_SECRET") if signs else ()
    with running(None, tmp_path, secrets={vendor: [SECRET]} if signs else None) as url:
        probe = f"{url}/tickets/{vendor}/{{conversation_id}}"
        given = (
            "--vendor",
            vendor,
            "--profile",
            profile,
            "--to",
            f"{url}/hooks/{vendor}",
            "--probe",
            probe,
            "--only",
            only,
        )
        # The helpdesk stores a body before it answers: there is no need to wait for it as patiently as for others.
        done = vendorsim("check", *given, *secret, "--json", settings=Waiting(state=0.1, rounds=0.0, settle=1.0))
    assert done.json["findings"] == []
    assert done.code == 0
    judged = {check["id"].partition(".")[0] for check in done.json["checks"] if check["status"] == "passed"}
    assert judged >= {"accepts", "rejects", "retry_safe", "isolated"}
    assert ("authenticates" in judged) == signs
