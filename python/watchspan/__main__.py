"""`python -m watchspan` is the command `watchspan`."""

from __future__ import annotations

from watchspan.cli import main

if __name__ == "__main__":
    main()
