"""Text of others, made fit for a terminal."""

import unicodedata

# Control characters, what is invisible or turns the direction of writing, and what no encoding has.
_UNFIT = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def printable(text: str) -> str:
    """One line without anything that a terminal acts upon: white space becomes a blank, the rest is replaced.

    Names and messages of objects are whatever somebody wrote there, escape sequences included.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_fit, text))


def _fit(character: str) -> str:
    if character in "\t\n\r\v\f":
        return " "
    return REPLACEMENT if unicodedata.category(character) in _UNFIT else character
