"""Quantities: what texts mean, what sums are written as, and that nothing is an error."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.quantities import LARGEST_EXPONENT, LONGEST, Amount, Format, add, parse, raise_to

SUFFIXES = {
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    "": Fraction(1),
    **{suffix: Fraction(1000**power) for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{suffix}i": Fraction(1024**power) for power, suffix in enumerate("KMGTPE", start=1)},
    **{f"{letter}{power}": Fraction(10) ** power for letter in "eE" for power in (-9, -2, 0, 3, 7)},
    "e+3": Fraction(1000),
}
amounts = st.builds(Amount, st.integers(-(10**30), 10**30), st.sampled_from(Format))
names = st.dictionaries(st.sampled_from(["cpu", "memory", "example.org/gpu"]), amounts)


def written(text: str) -> str:
    found = parse(text)
    assert found is not None, text
    return str(found)


# As ParseQuantity and CanonicalizeBytes of k8s.io/apimachinery have them.
@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("0Mi", "0"),
        ("1", "1"),
        ("+1", "1"),
        ("-5", "-5"),
        ("1.5", "1500m"),
        (".5", "500m"),
        ("5.", "5"),
        ("0.001", "1m"),
        ("0.1m", "100u"),
        ("0.1n", "1n"),
        ("-0.1n", "-1n"),
        ("1e-12", "1e-9"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("100000", "100k"),
        ("1000000k", "1G"),
        ("1500P", "1500P"),
        ("1000P", "1E"),
        ("1.5Gi", "1536Mi"),
        ("1024Mi", "1Gi"),
        ("1024", "1024"),
        ("0.5Ki", "512"),
        ("1000Ki", "1000Ki"),
        ("1.3Ki", "1331200m"),
        ("0.0001Ki", "102400u"),
        ("0.0000000000001Ki", "1n"),
        ("9Ei", "9223372036854775807"),
        ("1.25e3", "1250"),
        ("12e6", "12e6"),
        ("12E6", "12e6"),
        ("1200e6", "1200e6"),
        ("12000e6", "12e9"),
        ("1e2", "100"),
        ("1E", "1E"),
        (" 7k ", "7k"),
    ],
)
def test_a_quantity_is_written_as_kubernetes_does(text: str, canonical: str) -> None:
    assert written(text) == canonical


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "+", "-", ".", "m", "Mi", "1e", "1e+", "1 Mi", "1ki", "1K", "1mi", "1Mi2", "0x1", "1_000", "--1"),
        *("1.2.3", "1,5", "NaN", "inf", "1\n2", "\u0661", "1" * (LONGEST + 1), f"1e{LARGEST_EXPONENT + 1}", "1e-999"),
        "1e999999999999",
    ],
)
def test_what_is_no_quantity_is_none(text: str) -> None:
    assert parse(text) is None


@given(st.text() | st.text("0123456789.+-eEinumkKMGTP", max_size=80))
def test_any_text_is_borne(text: str) -> None:
    found = parse(text)
    assert found is None or parse(str(found)) is not None


@given(st.sampled_from(["", "-", "+"]), st.integers(0, 10**9), st.text("0123456789", max_size=3), st.data())
def test_a_suffix_means_what_it_says(sign: str, whole: int, fraction: str, data: st.DataObject) -> None:
    suffix = data.draw(st.sampled_from(sorted(SUFFIXES)))
    value = Fraction(f"{whole}.{fraction}" if fraction else whole) * SUFFIXES[suffix]
    found = parse(f"{sign}{whole}.{fraction}{suffix}" if fraction else f"{sign}{whole}{suffix}")
    nanos = -(-value.numerator * 10**9 // value.denominator)
    if suffix.endswith("i"):
        nanos = min(nanos, (2**63 - 1) * 10**9)
    assert found is not None
    assert found.nanos == (-nanos if sign == "-" else nanos)


@given(amounts.filter(lambda found: abs(found.nanos) < 2**63))
def test_what_was_written_reads_as_it_was(amount: Amount) -> None:
    """And again in its format, unless that could not tell it."""
    text = str(amount)
    found = parse(text)
    assert found is not None
    assert (found.nanos, str(found)) == (amount.nanos, text)
    assert text[0] in "-0123456789"
    assert "." not in text


@given(amounts, amounts, amounts)
def test_sums_are_sums(first: Amount, second: Amount, third: Amount) -> None:
    assert first.plus(second).nanos == second.plus(first).nanos == first.nanos + second.nanos
    assert first.plus(second).plus(third).nanos == first.plus(second.plus(third)).nanos
    assert first.plus(second).format is (first if first.nanos else second).format


@pytest.mark.parametrize(
    ("first", "second", "total"),
    [
        ("100m", "200m", "300m"),
        ("64Mi", "256Mi", "320Mi"),
        ("512Mi", "512Mi", "1Gi"),
        ("1Gi", "1G", "2073741824"),
        ("1G", "1Gi", "2073741824"),
        ("0", "1Ki", "1Ki"),
        ("1Ki", "0", "1Ki"),
        ("1e3", "500", "1500"),
        ("500m", "1.5", "2"),
        ("1Gi", "1m", "1073741824001m"),
        ("1", "-1", "0"),
    ],
)
def test_a_sum_keeps_the_format_of_the_first(first: str, second: str, total: str) -> None:
    found, more = parse(first), parse(second)
    assert found is not None
    assert more is not None
    assert str(found.plus(more)) == total


@given(names, names)
def test_lists_are_added_and_raised_name_by_name(first: dict[str, Amount], second: dict[str, Amount]) -> None:
    total, most = dict(first), dict(first)
    add(total, second)
    raise_to(most, second)
    assert total.keys() == most.keys() == first.keys() | second.keys()
    for name in total:
        both = [found[name] for found in (first, second) if name in found]
        assert total[name].nanos == sum(found.nanos for found in both)
        assert most[name] == max(both, key=lambda found: found.nanos)
