"""The one module that authors of subresources import from."""

import inspect
from pathlib import Path

import kubediscovery.framework as framework
from kubediscovery import errors


def test_everything_that_it_names_is_there() -> None:
    assert all(getattr(framework, name) is not None for name in framework.__all__)
    assert list(framework.__all__) == sorted(framework.__all__)


def test_errors_are_those_of_the_tree() -> None:
    found = [getattr(framework, name) for name in framework.__all__]
    raised = [each for each in found if inspect.isclass(each) and issubclass(each, Exception)]
    assert raised
    assert all(issubclass(each, errors.KubediscoveryError) for each in raised)


def test_what_is_built_in_is_registered_without_another_way_in() -> None:
    """Nothing that routes, discovers or describes knows compositions by their name."""
    package = Path(framework.__file__).parent
    for name in ("handler", "served", "discovery", "openapi", "described", "endpoints", "calls"):
        source = (package / f"{name}.py").read_text()
        assert "COMPOSITIONS" not in source, name
        assert '"compositions"' not in source, name
