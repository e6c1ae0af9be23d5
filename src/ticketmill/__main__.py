"""`python -m ticketmill`: the command line."""

from ticketmill.entrypoints.cli import main

main()
