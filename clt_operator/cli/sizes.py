"""Numbers of bytes for people."""


def size_text(size: int) -> str:
    """Such as 0 B, 512 B, 1.5 KiB, 12 GiB."""
    number = float(size)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if number < 1024 or unit == "TiB":
            break
        number /= 1024
    if unit == "B" or number >= 10:
        return f"{number:.0f} {unit}"
    return f"{number:.1f} {unit}"
