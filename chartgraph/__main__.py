"""`chartgraph` and `python -m chartgraph`."""

from __future__ import annotations

from chartgraph.cli import app


def main() -> None:
    app()


if __name__ == "__main__":
    main()
