"""The description of a vendor as a JSON document, for the command line and the control API."""

from __future__ import annotations

from typing import Any

from vendorsim.scenario.verbs import VERBS
from vendorsim.vendorkit.policy import describe
from vendorsim.vendorkit.profile import Profile, TargetKind
from vendorsim.vendorkit.scheme import Scheme
from vendorsim.vendorkit.vendor import Vendor
from vendorsim.vendorkit.verb_events import verb_events


def vendor_document(vendor: Vendor) -> dict[str, Any]:
    """The vendor as a JSON document."""
    return {
        "name": vendor.name,
        "title": vendor.title,
        "profiles": [_profile_document(profile) for profile in vendor.profiles.values()],
        "operations": [
            {
                "name": operation.name,
                "method": operation.method,
                "path": operation.path,
                "provenance": operation.provenance,
                "source": operation.source,
            }
            for operation in vendor.operations
        ],
        "api_verbs": vendor.api_verbs,
        "polling": None
        if vendor.polling is None
        else {
            "operations": list(vendor.polling.value.operations),
            "newest_only": vendor.polling.value.newest_only,
            "provenance": vendor.polling.provenance,
            "source": vendor.polling.source,
        },
        "signing": [scheme_document(name, scheme) for name, scheme in vendor.schemes.items()],
        "contracts": str(vendor.contracts()),
        **{
            key: str(path) for key, path in (("scenarios", vendor.scenarios), ("docs", vendor.docs)) if path is not None
        },
    }


def _profile_document(profile: Profile) -> dict[str, Any]:
    return {
        "name": profile.name,
        "title": profile.title,
        "events": [
            {"name": kind.name, "summary": kind.summary, "provenance": kind.provenance, "source": kind.source}
            for kind in profile.events
        ],
        "verbs": dict(verb_events(profile)),
        "silent_verbs": silent_verbs(profile),
        "headers": dict(profile.headers),
        "target_kinds": [kind_document(kind, profile) for kind in profile.target_kinds],
        "quirks": [
            {"name": quirk.name, "summary": quirk.summary, "provenance": quirk.provenance, "source": quirk.source}
            for quirk in profile.quirks
        ],
        "policy": describe(profile.policy),
    }


def kind_document(kind: TargetKind, profile: Profile) -> dict[str, Any]:
    """A kind of target as a JSON document, with the values of its own policy that differ from the profile's."""
    default = describe(profile.policy)
    own = default if kind.policy is None else describe(kind.policy)
    return {
        "name": kind.name,
        "without": sorted(kind.without),
        "default": None if kind.default is None else sorted(kind.default),
        "unfiltered": kind.unfiltered,
        "policy": {name: row for name, row in own.items() if row["value"] != default[name]["value"]},
    }


def scheme_document(name: str, scheme: Scheme) -> dict[str, Any]:
    """A signature scheme as a JSON document."""
    return {
        "name": name,
        "title": scheme.title.value,
        "message": "".join(scheme.message),
        "headers": dict(scheme.headers),
        "secrets": len(scheme.signatures),
        "provenance": scheme.title.provenance,
        "source": scheme.title.source,
    }


def silent_verbs(profile: Profile) -> list[str]:
    """The verbs that cause no event with a profile."""
    causes = verb_events(profile)
    return [verb for verb in VERBS if verb not in causes]
