"""Who is asking: every way to be believed, and every way to pretend."""

import asyncio
import base64
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from kubediscovery.authn import Authenticator
from kubediscovery.certs import CertificateAuthority, KeyPair, Usage
from kubediscovery.errors import Unauthorized, UpstreamError
from kubediscovery.identity import ANONYMOUS, User
from tests.reviewing import Answer, FakeReviewer, Time, der

CLIENT = [Usage.CLIENT]
NOW_AND_THEN = timedelta(days=1)
FORGED = ((b"x-remote-user", b"admin"), (b"x-remote-group", b"system:masters"))
FROM_ALICE = ((b"x-remote-user", b"alice"), (b"x-remote-group", b"team-a"))
ALICE = User("alice", groups=("team-a", "system:authenticated"))
GOOD_TOKEN = (b"authorization", b"Bearer good")
BAD_TOKEN = (b"authorization", b"Bearer bad")
TOKEN_USER = User("token-user", groups=("system:authenticated",))

Header = tuple[bytes, bytes]


def review(spec: dict[str, Any]) -> Answer:
    if spec["token"] == "good":
        return {"authenticated": True, "user": {"username": "token-user"}}
    return {"authenticated": False}


@pytest.fixture(scope="module")
def proxies() -> CertificateAuthority:
    return CertificateAuthority.create("front-proxy-ca")


@pytest.fixture(scope="module")
def clients() -> CertificateAuthority:
    return CertificateAuthority.create("kubernetes")


@pytest.fixture(scope="module")
def proxy(proxies: CertificateAuthority) -> bytes:
    return der(proxies.issue("front-proxy-client", usages=CLIENT))


@pytest.fixture(scope="module")
def bob(clients: CertificateAuthority) -> bytes:
    return der(clients.issue("bob", organizations=["team-b"], usages=CLIENT))


@pytest.fixture
def config_map(proxies: CertificateAuthority, clients: CertificateAuthority) -> dict[str, str]:
    return {
        "client-ca-file": clients.certificate.decode(),
        "requestheader-client-ca-file": proxies.certificate.decode(),
        "requestheader-username-headers": '["X-Remote-User"]',
        "requestheader-group-headers": '["X-Remote-Group"]',
        "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
        "requestheader-allowed-names": '["front-proxy-client"]',
    }


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def reviewer() -> FakeReviewer:
    return FakeReviewer(review)


@pytest.fixture
def authenticator(config_map: dict[str, str], reviewer: FakeReviewer, time: Time) -> Authenticator:
    made = Authenticator(reviewer, clock=time.clock, timer=time.timer, sleep=time.sleep, timeout=0.05)
    made.configure(config_map)
    return made


async def refused(authenticator: Authenticator, headers: tuple[Header, ...], certificate: bytes | None) -> bool:
    try:
        user = await authenticator.authenticate(headers, certificate)
    except Unauthorized:
        return True
    assert user is None or (user.name != "admin" and "system:masters" not in user.groups)
    return False


async def known(authenticator: Authenticator, headers: Sequence[Header], certificate: bytes | None) -> User:
    user = await authenticator.authenticate(headers, certificate)
    assert user is not None
    return user


async def test_the_front_proxy_is_believed(authenticator: Authenticator, proxy: bytes) -> None:
    assert await authenticator.authenticate(FROM_ALICE, proxy) == ALICE


async def test_a_user_without_groups_becomes_authenticated(authenticator: Authenticator, proxy: bytes) -> None:
    # The aggregator fetches discovery and OpenAPI like this.
    user = await known(authenticator, [(b"x-remote-user", b"system:kube-aggregator")], proxy)
    assert user == User("system:kube-aggregator", groups=("system:authenticated",))


async def test_an_anonymous_user_of_the_front_proxy_stays_anonymous(authenticator: Authenticator, proxy: bytes) -> None:
    headers = [(b"x-remote-user", b"system:anonymous"), (b"x-remote-group", b"system:unauthenticated")]
    assert await authenticator.authenticate(headers, proxy) == ANONYMOUS


async def test_two_users_over_one_connection_are_told_apart(authenticator: Authenticator, proxy: bytes) -> None:
    carol = (b"x-remote-user", b"carol")
    for _ in range(2):
        assert await authenticator.authenticate(FROM_ALICE, proxy) == ALICE
        assert (await known(authenticator, [carol], proxy)).name == "carol"
        assert (await known(authenticator, [carol, FORGED[1]], proxy)).groups[0] == "system:masters"


async def test_headers_without_a_certificate_do_not_count(authenticator: Authenticator) -> None:
    assert await authenticator.authenticate(FORGED, None) is None


async def test_headers_without_a_certificate_do_not_count_beside_a_token(authenticator: Authenticator) -> None:
    assert await authenticator.authenticate([*FORGED, GOOD_TOKEN], None) == TOKEN_USER


@pytest.mark.parametrize(
    "issue",
    [
        lambda _: CertificateAuthority.create("front-proxy-ca").issue("front-proxy-client", usages=CLIENT),
        lambda _: CertificateAuthority.create("front-proxy-client"),
        lambda proxies: proxies.issue("front-proxy-client", usages=[Usage.SERVER]),
        lambda proxies: proxies.issue("somebody", usages=CLIENT),
        lambda proxies: proxies.issue("Front-Proxy-Client", usages=CLIENT),
        lambda proxies: proxies.issue("somebody", organizations=["front-proxy-client"], usages=CLIENT),
        lambda proxies: proxies,
    ],
    ids=["other authority", "self-signed", "for servers", "other name", "upper case", "organization", "the authority"],
)
async def test_headers_with_a_certificate_that_is_not_the_front_proxys_are_refused(
    authenticator: Authenticator,
    proxies: CertificateAuthority,
    issue: Callable[[CertificateAuthority], KeyPair | CertificateAuthority],
) -> None:
    assert await refused(authenticator, FORGED, der(issue(proxies)))


async def test_an_expired_or_future_front_proxy_certificate_is_refused(
    authenticator: Authenticator, proxies: CertificateAuthority, time: Time
) -> None:
    for starts in (time.start - 2 * NOW_AND_THEN, time.start + NOW_AND_THEN):
        pair = proxies.issue("front-proxy-client", usages=CLIENT, starts=starts, lifetime=NOW_AND_THEN)
        assert await refused(authenticator, FORGED, der(pair))


async def test_a_client_certificate_makes_no_front_proxy(
    authenticator: Authenticator, clients: CertificateAuthority
) -> None:
    # Even one with the front proxy's name: it is a user of that name, and nobody else.
    certificate = der(clients.issue("front-proxy-client", usages=CLIENT))
    user = await known(authenticator, FORGED, certificate)
    assert (user.name, user.groups) == ("front-proxy-client", ("system:authenticated",))


async def test_a_front_proxy_that_names_nobody_is_refused(authenticator: Authenticator, proxy: bytes) -> None:
    assert await refused(authenticator, (), proxy)
    assert await refused(authenticator, (FORGED[1],), proxy)
    assert await refused(authenticator, ((b"x-remote-user", b""),), proxy)


async def test_a_front_proxy_that_names_nobody_may_bring_a_token(authenticator: Authenticator, proxy: bytes) -> None:
    assert await authenticator.authenticate([GOOD_TOKEN], proxy) == TOKEN_USER


async def test_names_that_are_not_utf_8_are_refused_even_beside_a_good_token(
    authenticator: Authenticator, proxy: bytes
) -> None:
    assert await refused(authenticator, ((b"x-remote-user", b"\xfc"), GOOD_TOKEN), proxy)


async def test_underscores_make_another_header(authenticator: Authenticator, proxy: bytes) -> None:
    assert await refused(authenticator, ((b"x_remote_user", b"admin"),), proxy)
    user = await known(authenticator, [*FROM_ALICE, (b"x_remote_group", b"system:masters")], proxy)
    assert user == ALICE


async def test_an_unannounced_uid_does_not_count(
    authenticator: Authenticator, proxy: bytes, config_map: dict[str, str]
) -> None:
    headers = [*FROM_ALICE, (b"x-remote-uid", b"forged")]
    assert (await known(authenticator, headers, proxy)).uid == ""
    authenticator.configure({**config_map, "requestheader-uid-headers": '["X-Remote-Uid"]'})
    assert (await known(authenticator, headers, proxy)).uid == "forged"


async def test_two_thousand_groups_come_through(authenticator: Authenticator, proxy: bytes) -> None:
    groups = [(b"x-remote-group", b"group-%d" % number) for number in range(2000)]
    for _ in range(2):
        user = await known(authenticator, [(b"x-remote-user", b"alice"), *groups], proxy)
        assert len(user.groups) == 2001


@pytest.mark.parametrize("names", ["", "[]", "null"])
async def test_no_allowed_names_allow_every_name_of_that_authority_only(
    authenticator: Authenticator,
    proxies: CertificateAuthority,
    clients: CertificateAuthority,
    config_map: dict[str, str],
    names: str,
) -> None:
    authenticator.configure({**config_map, "requestheader-allowed-names": names})
    certificate = der(proxies.issue("some-name", usages=CLIENT))
    assert await authenticator.authenticate(FROM_ALICE, certificate) == ALICE
    assert await refused(authenticator, FORGED, der(CertificateAuthority.create("x").issue("x", usages=CLIENT)))
    assert (await known(authenticator, FORGED, der(clients.issue("bob", usages=CLIENT)))).name == "bob"


async def test_several_allowed_names(
    authenticator: Authenticator, proxies: CertificateAuthority, config_map: dict[str, str]
) -> None:
    authenticator.configure({**config_map, "requestheader-allowed-names": json.dumps(["one", "two"])})
    for name, bad in (("one", False), ("two", False), ("front-proxy-client", True)):
        certificate = der(proxies.issue(name, usages=CLIENT))
        assert await refused(authenticator, FROM_ALICE, certificate) == bad


async def test_one_authority_for_both_is_told_apart_by_the_allowed_names(
    authenticator: Authenticator, clients: CertificateAuthority, config_map: dict[str, str], bob: bytes
) -> None:
    authenticator.configure({**config_map, "requestheader-client-ca-file": config_map["client-ca-file"]})
    assert (await known(authenticator, FORGED, bob)).name == "bob"
    front_proxy = der(clients.issue("front-proxy-client", usages=CLIENT))
    assert await authenticator.authenticate(FROM_ALICE, front_proxy) == ALICE


async def test_a_client_certificate_is_its_user(authenticator: Authenticator, bob: bytes) -> None:
    user = await known(authenticator, [], bob)
    assert (user.name, user.groups) == ("bob", ("team-b", "system:authenticated"))
    assert user.extra[0][0] == "authentication.kubernetes.io/credential-id"


async def test_a_client_certificate_comes_before_a_token(authenticator: Authenticator, bob: bytes) -> None:
    assert (await known(authenticator, [GOOD_TOKEN], bob)).name == "bob"
    assert (await known(authenticator, [BAD_TOKEN], bob)).name == "bob"


async def test_a_bad_certificate_is_refused_and_not_anonymous(authenticator: Authenticator, time: Time) -> None:
    stranger = der(CertificateAuthority.create("kubernetes").issue("bob", usages=CLIENT))
    assert await refused(authenticator, (), stranger)
    assert await refused(authenticator, (), b"nonsense")
    assert await refused(authenticator, (BAD_TOKEN,), stranger)


async def test_a_good_token_counts_beside_a_bad_certificate(authenticator: Authenticator) -> None:
    # As in k8s.io/apiserver's union: the first credential that is good decides.
    stranger = der(CertificateAuthority.create("kubernetes").issue("bob", usages=CLIENT))
    assert await authenticator.authenticate([*FORGED, GOOD_TOKEN], stranger) == TOKEN_USER


async def test_a_good_token_is_its_user(authenticator: Authenticator) -> None:
    assert await authenticator.authenticate([GOOD_TOKEN], None) == TOKEN_USER


async def test_a_bad_token_is_refused_and_not_anonymous(authenticator: Authenticator) -> None:
    assert await refused(authenticator, (BAD_TOKEN,), None)
    assert await refused(authenticator, ((b"authorization", b"Bearer \xff"),), None)


@pytest.mark.parametrize(
    "answer",
    [
        UpstreamError("broken", code=500),
        UpstreamError("this server may not", code=403),
        UpstreamError("connection refused"),
        {"authenticated": True},
        {"authenticated": "yes", "user": {"username": "admin"}},
        {"authenticated": True, "user": {"username": ""}},
    ],
)
async def test_a_token_that_could_not_be_reviewed_is_refused(
    authenticator: Authenticator, reviewer: FakeReviewer, answer: Answer
) -> None:
    reviewer.status = lambda _: answer
    assert await refused(authenticator, (GOOD_TOKEN,), None)


async def test_a_review_that_never_comes_is_refused(authenticator: Authenticator, reviewer: FakeReviewer) -> None:
    reviewer.gate = asyncio.Event()
    assert await refused(authenticator, (GOOD_TOKEN,), None)


@pytest.mark.parametrize("value", [b"Basic YWRtaW46YWRtaW4=", b"Bearer", b"Negotiate abc"])
async def test_another_scheme_is_no_credential_as_in_kubernetes(authenticator: Authenticator, value: bytes) -> None:
    assert await authenticator.authenticate([(b"authorization", value)], None) is None


async def test_a_websocket_token_comes_last_and_counts_like_any_other(authenticator: Authenticator, bob: bytes) -> None:
    good, bad = websocket("good"), websocket("bad")
    assert await authenticator.authenticate(good, None) == TOKEN_USER
    assert await authenticator.authenticate([*good, BAD_TOKEN], None) == TOKEN_USER
    assert await authenticator.authenticate([*bad, GOOD_TOKEN], None) == TOKEN_USER
    assert (await known(authenticator, bad, bob)).name == "bob"
    assert await refused(authenticator, tuple(bad), None)
    assert await refused(authenticator, (*FORGED, *good, *good[2:]), None)


def websocket(token: str) -> list[Header]:
    encoded = base64.urlsafe_b64encode(token.encode()).rstrip(b"=")
    offered = b"v4.channel.k8s.io, base64url.bearer.authorization.k8s.io." + encoded
    return [(b"upgrade", b"websocket"), (b"connection", b"Upgrade"), (b"sec-websocket-protocol", offered)]


async def test_no_credential_is_anonymous(authenticator: Authenticator, reviewer: FakeReviewer) -> None:
    assert await authenticator.authenticate([(b"accept", b"*/*")], None) is None
    assert not reviewer.specs


async def test_whom_to_act_as_proves_nothing_and_hides_nothing(
    authenticator: Authenticator, proxy: bytes, bob: bytes
) -> None:
    header = (b"impersonate-user", b"admin")
    assert await authenticator.authenticate([header], None) is None
    assert (await known(authenticator, [header], bob)).name == "bob"
    assert await authenticator.authenticate([header, GOOD_TOKEN], None) == TOKEN_USER
    assert await authenticator.authenticate([header, *FROM_ALICE], proxy) == ALICE
    assert await refused(authenticator, (BAD_TOKEN, header), None)


async def test_before_the_configmap_is_read_nobody_is_believed(
    reviewer: FakeReviewer, proxy: bytes, bob: bytes
) -> None:
    fresh = Authenticator(reviewer)
    assert not fresh.configured
    assert "not read yet" in fresh.problem
    assert fresh.ca_bundle == ""
    assert await refused(fresh, FORGED, proxy)
    assert await refused(fresh, (), bob)
    assert await fresh.authenticate([], None) is None


async def test_an_empty_configmap_believes_nobody(
    authenticator: Authenticator, reviewer: FakeReviewer, proxy: bytes, bob: bytes
) -> None:
    for subject in (authenticator, Authenticator(reviewer)):
        subject.configure({})
        assert await refused(subject, FORGED, proxy)
        assert await refused(subject, (), bob)
        assert not subject.configured
        assert subject.ca_bundle == ""
        assert "--requestheader-client-ca-file" in subject.problem
        assert "--requestheader-username-headers" in subject.problem


async def test_a_good_configmap_has_no_problem(
    authenticator: Authenticator, proxies: CertificateAuthority, clients: CertificateAuthority
) -> None:
    assert authenticator.configured
    assert authenticator.problem == ""
    assert authenticator.ca_bundle == clients.certificate.decode() + proxies.certificate.decode()


async def test_a_cluster_without_a_client_ca_is_all_right(
    authenticator: Authenticator, config_map: dict[str, str], proxy: bytes, bob: bytes
) -> None:
    del config_map["client-ca-file"]
    authenticator.configure(config_map)
    assert (authenticator.configured, authenticator.problem) == (True, "")
    assert await authenticator.authenticate(FROM_ALICE, proxy) == ALICE
    assert await refused(authenticator, (), bob)


async def test_a_new_authority_counts_at_once_and_the_old_one_no_longer(
    authenticator: Authenticator, config_map: dict[str, str], proxy: bytes, bob: bytes
) -> None:
    assert await authenticator.authenticate(FROM_ALICE, proxy) == ALICE
    assert (await known(authenticator, [], bob)).name == "bob"
    proxies, clients = (CertificateAuthority.create(name) for name in ("front-proxy-ca", "kubernetes"))
    config_map["requestheader-client-ca-file"] = proxies.certificate.decode()
    config_map["client-ca-file"] = clients.certificate.decode()
    authenticator.configure(config_map)
    assert await refused(authenticator, FORGED, proxy)
    assert await refused(authenticator, (), bob)
    assert (
        await authenticator.authenticate(FROM_ALICE, der(proxies.issue("front-proxy-client", usages=CLIENT))) == ALICE
    )
    assert (await known(authenticator, [], der(clients.issue("carol", usages=CLIENT)))).name == "carol"


async def test_old_and_new_authority_side_by_side_during_a_rotation(
    authenticator: Authenticator, config_map: dict[str, str], proxy: bytes
) -> None:
    new = CertificateAuthority.create("front-proxy-ca")
    config_map["requestheader-client-ca-file"] += new.certificate.decode()
    authenticator.configure(config_map)
    for certificate in (proxy, der(new.issue("front-proxy-client", usages=CLIENT))):
        assert await authenticator.authenticate(FROM_ALICE, certificate) == ALICE


async def test_a_new_list_of_allowed_names_counts_at_once(
    authenticator: Authenticator, config_map: dict[str, str], proxy: bytes
) -> None:
    assert await authenticator.authenticate(FROM_ALICE, proxy) == ALICE
    authenticator.configure({**config_map, "requestheader-allowed-names": '["another"]'})
    assert await refused(authenticator, FORGED, proxy)


async def test_new_header_names_count_at_once(
    authenticator: Authenticator, config_map: dict[str, str], proxy: bytes
) -> None:
    assert await authenticator.authenticate(FROM_ALICE, proxy) == ALICE
    authenticator.configure({**config_map, "requestheader-username-headers": '["X-User"]'})
    assert await refused(authenticator, FORGED, proxy)
    assert (await known(authenticator, [(b"x-user", b"carol")], proxy)).name == "carol"


@pytest.mark.parametrize("broken", ["words", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
@pytest.mark.parametrize("key", ["client-ca-file", "requestheader-client-ca-file"])
async def test_an_authority_that_cannot_be_parsed_leaves_the_last_good_one(
    authenticator: Authenticator, config_map: dict[str, str], proxy: bytes, bob: bytes, key: str, broken: str
) -> None:
    authenticator.configure({**config_map, key: broken})
    assert authenticator.configured
    assert authenticator.problem == f"{key} holds no usable PEM certificates"
    assert await authenticator.authenticate(FROM_ALICE, proxy) == ALICE
    assert (await known(authenticator, [], bob)).name == "bob"
    authenticator.configure(config_map)
    assert authenticator.problem == ""


@pytest.mark.parametrize("empty", ["", " \n"])
async def test_an_authority_that_is_taken_away_is_believed_no_longer(
    authenticator: Authenticator, config_map: dict[str, str], proxy: bytes, bob: bytes, empty: str
) -> None:
    authenticator.configure({**config_map, "requestheader-client-ca-file": empty})
    assert await refused(authenticator, FORGED, proxy)
    assert (await known(authenticator, [], bob)).name == "bob"
    # Nor does a broken one bring it back.
    authenticator.configure({**config_map, "requestheader-client-ca-file": "words"})
    assert await refused(authenticator, FORGED, proxy)
    assert not authenticator.configured


@pytest.mark.parametrize(
    "key",
    [
        "requestheader-username-headers",
        "requestheader-uid-headers",
        "requestheader-group-headers",
        "requestheader-extra-headers-prefix",
        "requestheader-allowed-names",
    ],
)
async def test_a_malformed_list_turns_the_front_proxy_off_and_says_so(
    authenticator: Authenticator, config_map: dict[str, str], proxy: bytes, bob: bytes, key: str
) -> None:
    authenticator.configure({**config_map, key: "front-proxy-client"})
    assert not authenticator.configured
    assert authenticator.problem == f"{key} is not a JSON list of strings"
    assert await refused(authenticator, FORGED, proxy)
    assert (await known(authenticator, [], bob)).name == "bob"
    authenticator.configure(config_map)
    assert await authenticator.authenticate(FROM_ALICE, proxy) == ALICE
