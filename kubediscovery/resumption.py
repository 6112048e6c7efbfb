"""TLS connections that go on from the session of a former one (RFC 8446, 2.2), as kube-apiserver offers by its tickets.

A start opens a connection for each kind. Most of a full handshake is signatures and chains of certificates, which were
looked at a moment ago; one that goes on has proven both by the former.
"""

import ssl
from typing import cast

from kubediscovery.transport import aiohttp


class ResumingContext(ssl.SSLContext):
    """A context whose connections go on from one that was told of; where the server declines, nothing is lost.

    It is of one client: whoever comes to trust others, or to be somebody else, has another context.
    """

    _session: ssl.SSLSession | None = None
    _host: str | None = None

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """As of any context, from the session that is kept of that host where none is given."""
        if session is None and server_hostname == self._host:
            session = self._session
        return super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)

    def keep(self, tls: ssl.SSLObject | None) -> None:
        """Have others go on from this connection, on which something was read: the ticket comes before that."""
        if tls is None or tls.context is not self or tls.session_reused:
            return
        if tls.session is not None and tls.session.has_ticket:
            self._session, self._host = tls.session, tls.server_hostname


def resuming(connector: aiohttp.BaseConnector | None) -> ResumingContext | None:
    """The context of a connector, which goes on from now on; None where the connector has none of its own.

    It is made another in its place: nothing could tell another one all that it was told to trust and to show.
    """
    context = getattr(connector, "_ssl", None)
    if not isinstance(context, ssl.SSLContext):
        return None
    context.__class__ = ResumingContext
    return cast(ResumingContext, context)
