"""Writes the checked-in dashboards and rules again."""

from pathlib import Path

from charts.monitoring.outputs import outputs

CHART = Path(__file__).parents[1] / "clt"


def main() -> None:
    """Creates the folders where they are missing."""
    for name, text in outputs().items():
        path = CHART / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
