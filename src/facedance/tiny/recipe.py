"""Who is in which part of the tiny model's world."""


def people_of(part: int, parts: int, people: int) -> range:
    """Indices of the people in a part of so many.

    Raises:
        ValueError: the people cannot be dealt out evenly.
    """
    if people % parts:
        raise ValueError(f"{people} people in {parts} parts; allowed is a multiple of {parts}")
    size = people // parts
    return range(part * size, (part + 1) * size)
