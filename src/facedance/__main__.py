"""`python -m facedance` is the command `facedance`."""

from facedance.command.main import main

if __name__ == "__main__":
    main()
