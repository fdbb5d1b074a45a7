"""`python -m simulator` is the command `vendorsim`."""

from vendorsim.cli.main import main

main()
