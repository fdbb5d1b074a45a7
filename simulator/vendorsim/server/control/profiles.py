"""The profiles that requests may name."""

from __future__ import annotations

from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.workbench import Workbench
from vendorsim.vendorkit import registry


def allowed_profile(workbench: Workbench, vendor: str, name: str | None) -> str | None:
    """Returns the name of the profile; without a `name`, of that which this server plays. Raises ProblemError for the
    folder of an overlay, unless the server was started with it: what reaches this server must not choose which of its
    files are read."""
    own = workbench.settings.profiles.get(vendor)
    if name is None or name == own:
        return own
    if vendor in registry.names() and registry.get(vendor).is_overlay(name):
        detail = f"'{name}' is a folder; start the server with --profile {vendor}=DIR to play an overlay"
        raise ProblemError(422, f"/profile: {detail}", [{"pointer": "/profile", "detail": detail}])
    return name
