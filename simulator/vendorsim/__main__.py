"""The command `vendorsim`, which is also `python -m vendorsim`."""

import gc
from typing import NoReturn


def main() -> NoReturn:
    """Entry point of the command."""
    # What is made while modules are imported stays, and later thousands of records wait for the journal: with the
    # default thresholds, a tenth of the time would be spent on collections that find little. Before the first import.
    gc.set_threshold(10_000, 10, 10)
    from vendorsim.cli.main import main as command

    try:
        command()
    finally:
        # Python searches all objects for garbage before it ends; the process frees them anyway.
        gc.freeze()


if __name__ == "__main__":
    main()
