"""`python -m simulator` is the command `vendorsim`."""

from simulator.cli.main import main

main()
