"""`python -m hubbub` is the `hubbub` command."""

from hubbub.cli import main

# processes that a hub starts for its own work load this file, too
if __name__ == "__main__":
    main()
