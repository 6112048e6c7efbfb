"""What pods ask for: which quantities can be used, and that the defaults hold for what was measured."""

import pytest

from benchmarks.costs import costs
from benchmarks.records import read_records
from kubediscovery.errors import ConfigurationError
from kubediscovery.quantities import parse
from kubediscovery.size import DEFAULT_SIZE, Size


def nanos(text: str) -> int:
    amount = parse(text)
    assert amount is not None
    return amount.nanos


def test_memory_is_limited_and_the_processor_is_not() -> None:
    assert Size("250m", "1Gi", "3Gi").resources() == {
        "requests": {"cpu": "250m", "memory": "1Gi"},
        "limits": {"memory": "3Gi"},
    }


@pytest.mark.parametrize("value", ["", "0", "-1", "much", "1GiB", "1 Gi", "Gi"])
@pytest.mark.parametrize("name", ["cpu_request", "memory_request", "memory_limit"])
def test_what_is_no_quantity_is_named_by_its_flag(name: str, value: str) -> None:
    (fault,) = Size(**{name: value}).faults()
    assert fault.startswith(f"--{name.replace('_', '-')} {value!r}: a quantity such as ")
    with pytest.raises(ConfigurationError):
        Size(**{name: value}).resources()


def test_a_limit_below_its_request_is_refused_in_whatever_units() -> None:
    """kube-apiserver refuses such a pod, which nobody sees but the ReplicaSet."""
    assert list(Size(memory_request="1Gi", memory_limit="1000M").faults()) == [
        "--memory-limit 1000M: less than --memory-request 1Gi"
    ]
    assert not list(Size(memory_request="1Gi", memory_limit="1024Mi").faults())


def test_the_defaults_hold_for_up_to_10_000_pods() -> None:
    """By the rules of docs/sizing.md, from the figures that it shows."""
    found = [cost for cost in costs(read_records()) if cost.pods <= 10_000]
    assert found
    for cost in found:
        assert cost.cpu_request * 1_000_000 <= nanos(DEFAULT_SIZE.cpu_request)
        assert nanos(f"{cost.memory_request}Mi") <= nanos(DEFAULT_SIZE.memory_request)
        assert nanos(f"{cost.memory_limit}Mi") <= nanos(DEFAULT_SIZE.memory_limit)
