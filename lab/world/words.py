"""How a scene is told in words."""

from facedance.sample.dancer import BOTTOMS, TOPS, WALLS, Dancer
from facedance.sample.traits import Colour

TOP_WORDS = ("red", "blue", "white", "green", "yellow", "purple", "orange", "teal", "pink", "olive")
WALL_WORDS = ("white", "blue", "beige", "green", "grey")
BOTTOM_WORDS = ("navy", "black", "brown", "grey", "teal")

PORTRAIT = "a portrait photo of a person"


def describe(who: Dancer) -> str:
    """A dancer's clothes and room."""
    return f"{_clothed(who)} dancing before a {_word(who.wall, WALLS, WALL_WORDS)} wall"


def describe_pair(first: Dancer, second: Dancer) -> str:
    """Two dancers' clothes, and the first one's room."""
    return f"{_clothed(first)} and {_clothed(second)} dancing before a {_word(first.wall, WALLS, WALL_WORDS)} wall"


def _clothed(who: Dancer) -> str:
    top, bottom = _word(who.top, TOPS, TOP_WORDS), _word(who.bottom, BOTTOMS, BOTTOM_WORDS)
    return f"a person in a {top} top and {bottom} trousers"


def vocabulary() -> tuple[str, ...]:
    """The words that tell scenes apart."""
    return tuple(dict.fromkeys((*TOP_WORDS, *WALL_WORDS, *BOTTOM_WORDS)))


def _word(colour: Colour, colours: tuple[Colour, ...], words: tuple[str, ...]) -> str:
    return words[colours.index(colour)]
