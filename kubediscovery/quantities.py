"""Kubernetes's quantities (``300m``, ``1.5Gi``, ``12e6``): read, added, compared and written as Kubernetes does.

The rules are those of k8s.io/apimachinery, pkg/api/resource (quantity.go, suffix.go). Anything may stand where a
quantity should: what is none, or is far beyond all that Kubernetes counts, is None and never an error.
"""

import re
from collections.abc import Mapping, MutableMapping
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

# Longer texts and larger exponents are of numbers that nothing has; Kubernetes itself means no more than 2^63.
LONGEST, LARGEST_EXPONENT = 64, 64
# Texts and amounts that are remembered.
_DIFFERENT = 1_024
# Nothing is counted more finely: what is finer is rounded up, away from zero.
_NANO = -9
_NANOS = 10**9
_LARGEST_BINARY = (2**63 - 1) * _NANOS

_QUANTITY = re.compile(r"([+-]?)(?=\.?[0-9])([0-9]*)(?:\.([0-9]*))?([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,4})?")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_DECIMAL_SUFFIXES = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIXES = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


class Format(StrEnum):
    """How a quantity was written, and is written again."""

    DECIMAL = "DecimalSI"
    BINARY = "BinarySI"
    EXPONENT = "DecimalExponent"


class Amount(NamedTuple):
    """A quantity in billionths."""

    nanos: int
    format: Format = Format.DECIMAL

    def plus(self, other: "Amount") -> "Amount":
        """The sum, in the format of the first of the two that is not zero."""
        return Amount(self.nanos + other.nanos, self.format if self.nanos else other.format)

    def __str__(self) -> str:
        """Without fractions, with as large a suffix as loses nothing: ``1536Mi``, ``1500m``."""
        return _written(*self)


# A cluster asks for few different amounts, each of them thousands of times.
@lru_cache(_DIFFERENT)
def parse(text: str) -> Amount | None:
    """What a text means, None for one that is no quantity: a suffix alone, which Kubernetes takes for 0, among them."""
    found = _QUANTITY.fullmatch(text.strip()) if len(text) <= LONGEST else None
    if found is None:
        return None
    sign, whole, fraction, suffix = (part or "" for part in found.groups())
    written, exponent, factor = _meaning(suffix)
    if abs(exponent) > LARGEST_EXPONENT:
        return None
    nanos = _scaled(int(whole + fraction or "0") * factor, exponent - len(fraction) - _NANO)
    if written is Format.BINARY:
        nanos = min(nanos, _LARGEST_BINARY)
        written = Format.DECIMAL if nanos < _NANOS else written
    return Amount(-nanos if sign == "-" else nanos, written)


def add(amounts: MutableMapping[str, Amount], more: Mapping[str, Amount]) -> None:
    """Add to each amount the one of the same name; those that are not there yet come as they are."""
    for name, amount in more.items():
        found = amounts.get(name)
        amounts[name] = found.plus(amount) if found is not None else amount


def raise_to(amounts: MutableMapping[str, Amount], least: Mapping[str, Amount]) -> None:
    """Put the amount of the same name in the place of each that is smaller, or not there."""
    for name, amount in least.items():
        found = amounts.get(name)
        if found is None or amount.nanos > found.nanos:
            amounts[name] = amount


def _meaning(suffix: str) -> tuple[Format, int, int]:
    """The format of a suffix, its power of ten, and what else it multiplies by."""
    if suffix in _DECIMAL:
        return Format.DECIMAL, _DECIMAL[suffix], 1
    if suffix in _BINARY_SUFFIXES:
        return Format.BINARY, 0, 1024 ** _BINARY_SUFFIXES.index(suffix)
    return Format.EXPONENT, int(suffix[1:]), 1


def _scaled(number: int, exponent: int) -> int:
    """The number, which is not negative, times a power of ten, rounded up."""
    factor: int = 10 ** abs(exponent)
    return number * factor if exponent >= 0 else -(-number // factor)


@lru_cache(_DIFFERENT)
def _written(nanos: int, written: Format) -> str:
    if written is Format.BINARY and not nanos % _NANOS and abs(nanos) >= 1024 * _NANOS:
        return _binary(nanos // _NANOS)
    return _decimal(nanos, written)


def _binary(number: int) -> str:
    power = 0
    while power < len(_BINARY_SUFFIXES) - 1 and not number % 1024:
        number, power = number // 1024, power + 1
    return f"{number}{_BINARY_SUFFIXES[power]}"


def _decimal(nanos: int, written: Format) -> str:
    """Suffixes end with E; exponents go on."""
    if not nanos:
        return "0"
    exponent = _NANO
    while not nanos % 1000 and (written is Format.EXPONENT or exponent < _DECIMAL["E"]):
        nanos, exponent = nanos // 1000, exponent + 3
    if written is Format.EXPONENT:
        return f"{nanos}e{exponent}" if exponent else str(nanos)
    return f"{nanos}{_DECIMAL_SUFFIXES[exponent]}"
