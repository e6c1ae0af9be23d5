"""`python -m ticketmill`: the command line."""

from ticketmill.entrypoints.cli import main

if __name__ == "__main__":
    main()
