"""The tree of errors: what commands exit with and what callers are told hangs on it."""

import pytest

from kubediscovery import errors
from kubediscovery.errors import KubediscoveryError, StatusError, Unauthorized, UpstreamError

# The reasons of k8s.io/apimachinery, pkg/apis/meta/v1/types.go, with the code that each one stands for.
REASONS = {
    "BadRequest": 400,
    "Unauthorized": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "MethodNotAllowed": 405,
    "Conflict": 409,
    "NotAcceptable": 406,
    "Expired": 410,
    "Invalid": 422,
    "RequestEntityTooLarge": 413,
    "UnsupportedMediaType": 415,
    "TooManyRequests": 429,
    # The one that Kubernetes has no word for.
    "RequestHeaderFieldsTooLarge": 431,
    "InternalError": 500,
    "ServiceUnavailable": 503,
    "Timeout": 504,
}


def test_every_error_belongs_to_the_tree_and_is_in_its_picture() -> None:
    defined = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)]
    assert len(defined) > 10
    for each in defined:
        assert issubclass(each, KubediscoveryError)
        assert each.__name__ in (errors.__doc__ or "")


def test_every_status_error_has_kubernetes_reason_and_code() -> None:
    assert {each.reason: each.code for each in StatusError.__subclasses__()} == REASONS
    assert f"{StatusError.reason} {StatusError.code}" == "InternalError 500"


@pytest.mark.parametrize("status_error", StatusError.__subclasses__())
def test_the_picture_tells_the_codes(status_error: type[StatusError]) -> None:
    lines = [line.split() for line in (errors.__doc__ or "").splitlines()]
    assert any(line[-2:] == [status_error.__name__, str(status_error.code)] for line in lines)


def test_401_never_says_why() -> None:
    assert str(Unauthorized()) == "Unauthorized"
    with pytest.raises(TypeError):
        Unauthorized("the token has expired")  # type: ignore[call-arg]


def test_an_upstream_error_carries_what_its_answer_said() -> None:
    error = UpstreamError("no", code=429, retry_after=2)
    assert (str(error), error.code, error.retry_after) == ("no", 429, 2)
    assert (UpstreamError("no").code, UpstreamError("no").retry_after) == (0, None)
