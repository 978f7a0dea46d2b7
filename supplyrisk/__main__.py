"""``python -m supplyrisk`` is the command line."""

from supplyrisk.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
