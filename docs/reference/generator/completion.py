"""The completion scripts that click makes, in the places where shells look for them."""

from __future__ import annotations

from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete
from vendorsim.cli.main import group

# Below `share/` of the place that vendorsim is installed to.
PLACES: dict[str, type[ShellComplete]] = {
    "bash-completion/completions/vendorsim": BashComplete,
    "zsh/site-functions/_vendorsim": ZshComplete,
    "fish/vendor_completions.d/vendorsim.fish": FishComplete,
}
# How zsh's script knows that it runs as a function that was loaded when it was first needed. click's own way is right
# for the first completion only: the second one offers nothing.
_ZSH_AUTOLOADED = "[[ $zsh_eval_context[-1] == loadautofunc ]]", '[[ "$funcstack[1]" == "_vendorsim" ]]'


def scripts() -> dict[str, str]:
    """The scripts by their paths below `share/`."""
    found = {}
    for path, shell in PLACES.items():
        made = shell(group, {}, "vendorsim", "_VENDORSIM_COMPLETE")
        # Not `source()`: for bash it starts one, to look at its version.
        text = (made.source_template % made.source_vars()).replace(*_ZSH_AUTOLOADED)
        found[path] = "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"
    return found
