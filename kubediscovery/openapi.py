"""The OpenAPI documents that are served, each made when it is first asked for.

Who asks for what (k8s.io/kube-aggregator, ``pkg/controllers/openapi`` and ``openapiv3``): the aggregator takes
``/openapi/v2`` in JSON and merges it into its own; a 404 there would end its asking. Of version 3 it takes the index
alone; a 404 there would make it convert version 2 until it is restarted. The document itself it asks for when a client
does, with that client's Accept: kubectl and client-go want JSON, of version 2 client-go wants nothing but protobuf
(``discovery/discovery_client.go``). Forms and headers are those of k8s.io/kube-openapi, ``pkg/handler`` and
``pkg/handler3``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cached_property, partial
from urllib.parse import parse_qs

from starlette.datastructures import Headers

from kubediscovery.api import GroupVersion
from kubediscovery.described import descriptions
from kubediscovery.discovery import Document
from kubediscovery.errors import NotFound
from kubediscovery.gnostic import V2, V3, Dialect, encode
from kubediscovery.negotiation import JSON, PLAIN, MediaType, Representation, representation_of
from kubediscovery.served import Served
from kubediscovery.specification import Json, document
from kubediscovery.swagger import swagger_of

_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Found:
    """A document in the form that was asked for; ``immutable`` says that the request named it by its hash."""

    document: Document
    representation: Representation
    immutable: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """What tells caches that what was asked for never changes."""
        if not self.immutable:
            return {}
        expires = format_datetime(datetime.now(UTC) + _YEAR, usegmt=True)
        return {"Cache-Control": "public, immutable", "Expires": expires}


class OpenApi:
    """The documents of all that is served: of version 3 one for each version of a group, of version 2 one for all."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._v3: dict[tuple[str, ...], _Forms] = {
            ("v3", "apis", version.group, version.version): _Forms("v3", partial(self._described, version), V3)
            for version in served.versions
        }
        self._v2 = _Forms("v2", lambda: swagger_of(self._described(*served.versions)), V2)

    def find(self, segments: tuple[str, ...], headers: Headers, query: bytes) -> Found:
        """What stands under ``/openapi`` and the segments; raises :class:`NotFound` and :class:`NotAcceptable`.

        A hash that is not the document's gets the document as it is now: the redirect of k8s.io/kube-openapi would
        become a 502 behind the aggregator, which refuses them.
        """
        if segments == ("v3",):
            # Whatever is asked for, as there is no other form.
            return Found(self._index, Representation(PLAIN))
        forms = self._v2 if segments == ("v2",) else self._v3.get(segments)
        if forms is None:
            raise NotFound("the server could not find the requested resource")
        representation = representation_of(headers, query, forms.offered)
        if representation.media_type.encoding != JSON:
            return Found(forms.protobuf, Representation(PLAIN, gzip=representation.gzip), forms.is_named(query))
        return Found(forms.json, representation, forms.is_named(query))

    @cached_property
    def _index(self) -> Document:
        found = {"/".join(path[1:]): forms.hash for path, forms in self._v3.items()}
        return Document.of(
            {
                "paths": {
                    path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={hash_}"} for path, hash_ in found.items()
                }
            }
        )

    def _described(self, *versions: GroupVersion) -> Json:
        return document(part for version in versions for part in descriptions(version, self._served.of(version)))


class _Forms:
    """One document in JSON and in protobuf."""

    def __init__(self, version: str, make: Callable[[], Json], dialect: Dialect) -> None:
        self._make = make
        self._dialect = dialect
        # Clients ask for the first, but "@" may not stand in a media type: answers have the second.
        asked, self._answered = (
            f"application/com.github.proto-openapi.spec.{version}{sign}v1.0+protobuf" for sign in "@."
        )
        self.offered = (PLAIN, MediaType(encoding=asked), MediaType(encoding=self._answered))

    @cached_property
    def content(self) -> Json:
        return self._make()

    @cached_property
    def json(self) -> Document:
        return Document.of(self.content)

    @cached_property
    def protobuf(self) -> Document:
        return Document.holding(encode(self.content, self._dialect), self._answered)

    @property
    def hash(self) -> str:
        """What names the document in all its forms."""
        return self.json.etag.strip('"')

    def is_named(self, query: bytes) -> bool:
        return self.hash in parse_qs(query.decode("latin-1")).get("hash", ())[:1]
