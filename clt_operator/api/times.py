"""Times as records and objects of the API carry them: RFC 3339, UTC."""

from datetime import UTC, datetime


def now() -> str:
    """The time, to the millisecond."""
    return rfc3339("milliseconds")


def rfc3339(precision: str) -> str:
    """The time; ``precision`` as ``datetime.isoformat`` names it."""
    return datetime.now(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def parse(text: str) -> datetime:
    """Raises ValueError where it is no time."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def epoch(text: str) -> float:
    """Seconds since the epoch; 0 where it is no time."""
    try:
        return parse(text).timestamp()
    except ValueError:
        return 0.0


def seconds_between(begin: str, end: str) -> float | None:
    """0 where the end is before the beginning, None where one of them is no time."""
    try:
        return max(0.0, (parse(end) - parse(begin)).total_seconds())
    except ValueError:
        return None
