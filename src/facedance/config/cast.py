"""Who each of several dancers becomes, and the name under which such a cast is rendered: `1~ann_2~ben`."""

import re
from collections.abc import Mapping

from facedance.config.base import NAME

MODEL = "model"
"""Instead of a name: a dancer who is left as the model makes them, as those are who are not named."""

NOBODY = "nobody"
"""Instead of a name: a dancer who is not shown."""

NO_PERSON = (MODEL, NOBODY)

_DANCER = rf"([1-9]\d?)~({NAME}?)"
_CAST = re.compile(rf"{_DANCER}(_{_DANCER})*")
_NEXT = re.compile(rf"{_DANCER}(?:_(?=[1-9]\d?~)|$)")  # no name holds a `~`

_LONGEST = 200  # characters: a folder's name has 255


def cast_name(cast: Mapping[int, str]) -> str:
    """The folder of a cast's renders; dancers in the order of their numbers.

    Raises:
        ValueError: it would be too long for a folder.
    """
    name = "_".join(f"{dancer}~{who}" for dancer, who in sorted(cast.items()))
    if len(name) > _LONGEST:
        raise ValueError(f"the folder of this cast would have {len(name)} letters, at most {_LONGEST} can be: use shorter names")
    return name


def is_cast(name: str) -> bool:
    """Whether this is the name of a cast, and not of a person or blend."""
    return "~" in name


def cast_of(name: str) -> dict[int, str]:
    """Who each dancer becomes in the cast of this name; a person or blend is nobody's in particular.

    Raises:
        ValueError: it looks like the name of a cast and is none.
    """
    if not is_cast(name):
        return {}
    cast = {int(number): who for number, who in _NEXT.findall(name)} if _CAST.fullmatch(name) else {}
    if not cast or cast_name(cast) != name:
        raise ValueError(f"{name!r} is no cast: write each dancer's number and name, by rising numbers, as in '1~ann_2~ben'")
    return cast


def become_somebody(cast: Mapping[int, str]) -> set[int]:
    """The dancers of a cast who become somebody."""
    return {dancer for dancer, who in cast.items() if who not in NO_PERSON}


def is_among(name: str, dancers: int) -> bool:
    """Whether one of the dancers 1 to `dancers` becomes somebody in the cast of this name; of a person or blend all do."""
    return not is_cast(name) or any(dancer <= dancers for dancer in become_somebody(cast_of(name)))


def who_is(name: str, dancer: int) -> str:
    """Whom a dancer becomes in a render of this name: somebody in a cast or, of a person or blend, everybody the same."""
    return cast_of(name).get(dancer, MODEL) if is_cast(name) else name


def dancer_in_words(who: str, dancer: int) -> str:
    """One of several dancers, for people to read."""
    return f"dancer {dancer}, as the model makes them" if who == MODEL else f"{who} as dancer {dancer}"


def cast_in_words(cast: Mapping[int, str]) -> str:
    """Who is who, for people to read."""
    said = {MODEL: "as the model makes them", NOBODY: "not shown"}
    return ", ".join(f"dancer {dancer}: {said.get(who, who)}" for dancer, who in sorted(cast.items()))
