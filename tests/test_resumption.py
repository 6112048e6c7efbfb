"""Which session a context goes on from, without any connection; tests/test_client.py has connections."""

import ssl

import aiohttp

from kubediscovery.resumption import ResumingContext, resuming
from tests.upstream import server_context


class Connected:
    """The client's side of a connection in memory, after its handshake and the first byte from the server."""

    def __init__(self, client: ResumingContext, server: ssl.SSLContext, host: str) -> None:
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = client.wrap_bio(to_client, to_server, server_hostname=host)
        other = server.wrap_bio(to_server, to_client, server_side=True)
        for side in (self.tls, other, self.tls, other):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
        other.write(b"x")
        assert self.tls.read(1) == b"x"


def test_a_host_is_not_offered_the_session_of_another() -> None:
    context, server = client_context(), server_context()
    first = Connected(context, server, "one.example")
    context.keep(first.tls)
    assert not first.tls.session_reused
    assert Connected(context, server, "one.example").tls.session_reused
    assert not Connected(context, server, "two.example").tls.session_reused


def test_a_server_that_does_not_know_the_session_has_a_whole_handshake_and_then_its_own() -> None:
    context = client_context()
    for server in (server_context(), server_context()):
        first = Connected(context, server, "one.example")
        assert not first.tls.session_reused
        context.keep(first.tls)
        assert Connected(context, server, "one.example").tls.session_reused


def test_what_is_no_connection_of_the_context_is_not_kept() -> None:
    context, other, server = client_context(), client_context(), server_context()
    context.keep(None)
    context.keep(Connected(other, server, "one.example").tls)
    assert not Connected(context, server, "one.example").tls.session_reused


async def test_a_connector_without_a_context_of_its_own_is_left_alone() -> None:
    async with aiohttp.TCPConnector() as connector:
        assert resuming(connector) is None
    assert resuming(None) is None


def client_context() -> ResumingContext:
    context = ResumingContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
