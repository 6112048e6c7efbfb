"""Every error that kubediscovery raises on purpose.

::

    KubediscoveryError
    ├── ConfigurationError       a flag, file or kubeconfig that cannot be used: exit status 2
    │   └── RegistrationError    a subresource that cannot be registered
    ├── ExpressionError          an expression has no value for what it was applied to
    ├── StartupError             the process cannot start or the command cannot finish: exit status 1
    ├── UpstreamError            kube-apiserver gave no usable answer
    │   ├── UpstreamForbidden    403: this server may not do that
    │   ├── UpstreamNotFound     404: no such kind or object
    │   ├── UpstreamConflict     409: somebody else owns or changed it
    │   └── UpstreamExpired      410: the resource version or continue token is too old
    └── StatusError              an answer to the caller, rendered as a metav1.Status
        ├── BadRequest           400
        ├── Unauthorized         401
        ├── Forbidden            403
        ├── NotFound             404
        ├── MethodNotAllowed     405
        ├── NotAcceptable        406
        ├── Conflict             409
        ├── Expired              410
        ├── EntityTooLarge       413
        ├── UnsupportedMediaType 415
        ├── Invalid              422
        ├── TooManyRequests      429
        ├── HeadersTooLarge      431
        ├── InternalError        500
        ├── ServiceUnavailable   503
        └── ServerTimeout        504
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class KubediscoveryError(Exception):
    """The root of the tree; its text is one line that a user can act on."""


class ConfigurationError(KubediscoveryError):
    """What the user gave cannot be used: says what and where."""


class RegistrationError(ConfigurationError):
    """A subresource that cannot be registered: says what is wrong with it, and the file and line where it is."""


class ExpressionError(KubediscoveryError):
    """A valid expression has no value for what it was applied to; the text says why."""


class StartupError(KubediscoveryError):
    """What the user gave was understood but cannot be carried out."""


class UpstreamError(KubediscoveryError):
    """kube-apiserver could not be asked, or its answer could not be used.

    ``code`` is its HTTP status, 0 when there was none; ``retry_after`` its Retry-After in seconds, where it sent one;
    ``broken`` says that the connection was there and broke before the answer.
    """

    def __init__(self, message: str, *, code: int = 0, retry_after: float | None = None, broken: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after
        self.broken = broken


class UpstreamForbidden(UpstreamError):
    """kube-apiserver refused this server a right (403)."""


class UpstreamNotFound(UpstreamError):
    """kube-apiserver does not know the kind or the object (404)."""


class UpstreamConflict(UpstreamError):
    """The object exists already, was changed meanwhile, or its field has another manager (409)."""


class UpstreamExpired(UpstreamError):
    """The resource version or continue token is older than what kube-apiserver keeps (410)."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What an error is about: the ``details`` of a Status. ``kind`` is the resource, as Kubernetes writes it there."""

    group: str = ""
    kind: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """One of the reasons for an error, and the field that it is about: an entry of a Status's ``details.causes``."""

    reason: str
    message: str
    field: str = ""


class StatusError(KubediscoveryError):
    """An answer that is not a success; ``code`` and ``reason`` are those of ``metav1.Status``.

    ``retry_after`` is whole seconds and becomes both the header and ``details.retryAfterSeconds``; ``cause`` becomes
    the only entry of ``details.causes``. ``continue_token`` is that of the Status's ``metadata``.
    """

    code: ClassVar[int] = 500
    reason: ClassVar[str] = "InternalError"
    continue_token: str = ""

    def __init__(
        self, message: str, *, subject: Subject | None = None, retry_after: int | None = None, cause: str = ""
    ) -> None:
        super().__init__(message)
        self.subject = subject
        self.retry_after = retry_after
        self.cause = cause

    @property
    def causes(self) -> tuple[Cause, ...]:
        """What ``details.causes`` says."""
        return (Cause(self.cause, str(self)),) if self.cause else ()


class BadRequest(StatusError):
    """A parameter that cannot be used; the message names it and what is accepted."""

    code, reason = 400, "BadRequest"


class Unauthorized(StatusError):
    """A credential was offered and is bad. Never says why: that helps only who guesses."""

    code, reason = 401, "Unauthorized"

    def __init__(self) -> None:
        super().__init__("Unauthorized")


class Forbidden(StatusError):
    """The caller is known, and may not; ``because`` is what the authorizer gave as its reason."""

    code, reason = 403, "Forbidden"

    def __init__(self, message: str, *, subject: Subject | None = None, because: str = "") -> None:
        super().__init__(message, subject=subject)
        self.because = because


class NotFound(StatusError):
    """No such path, kind or object."""

    code, reason = 404, "NotFound"


class MethodNotAllowed(StatusError):
    """The path exists; the method or verb does not. ``allowed`` are the methods that do."""

    code, reason = 405, "MethodNotAllowed"

    def __init__(self, message: str, *, allowed: Sequence[str] = ("GET", "HEAD")) -> None:
        super().__init__(message)
        self.allowed = tuple(allowed)


class NotAcceptable(StatusError):
    """None of the media types in Accept can be served; the message lists those that can."""

    code, reason = 406, "NotAcceptable"


class Conflict(StatusError):
    """What is to be changed was changed by somebody else meanwhile, or is there already."""

    code, reason = 409, "Conflict"


class Expired(StatusError):
    """A resource version or continue token that is no longer served.

    ``continue_token``, if any, is one by which the rest of a list can be had all the same, as it is now.
    """

    code, reason = 410, "Expired"

    def __init__(
        self, message: str, *, subject: Subject | None = None, cause: str = "", continue_token: str = ""
    ) -> None:
        super().__init__(message, subject=subject, cause=cause)
        self.continue_token = continue_token


class Invalid(StatusError):
    """Parameters that can each be read, but do not go together; ``subject.kind`` is the kind of what they make up.

    The message names every cause, as those of k8s.io/apimachinery do (pkg/api/errors/errors.go, NewInvalid).
    """

    code, reason = 422, "Invalid"

    def __init__(self, subject: Subject, causes: Sequence[Cause]) -> None:
        said = ", ".join(f"{found.field}: {found.message}" for found in causes)
        kind = f"{subject.kind}.{subject.group}" if subject.group else subject.kind
        words = f"[{said}]" if len(causes) > 1 else said
        super().__init__(f'{kind} "{subject.name}" is invalid: {words}', subject=subject)
        self._causes = tuple(causes)

    @property
    def causes(self) -> tuple[Cause, ...]:
        """One for each rule that was broken."""
        return self._causes


class EntityTooLarge(StatusError):
    """The request's body is longer than what is read of one."""

    code, reason = 413, "RequestEntityTooLarge"


class UnsupportedMediaType(StatusError):
    """The request's body is written in a form that is not read; the message lists those that are."""

    code, reason = 415, "UnsupportedMediaType"


class TooManyRequests(StatusError):
    """As many requests as may be under way are; comes with ``retry_after``."""

    code, reason = 429, "TooManyRequests"


class HeadersTooLarge(StatusError):
    """The request's head is longer than what is read of one; Kubernetes has no reason of its own for it."""

    code, reason = 431, "RequestHeaderFieldsTooLarge"


class InternalError(StatusError):
    """Something failed on this side; the message never carries another error's text."""

    code, reason = 500, "InternalError"


class ServiceUnavailable(StatusError):
    """Not yet, or not at the moment; comes with ``retry_after``."""

    code, reason = 503, "ServiceUnavailable"


class ServerTimeout(StatusError):
    """What was waited for did not come in time."""

    code, reason = 504, "Timeout"
