"""A kube-apiserver that is not one: objects, reviews and watches over HTTP on this machine, for tests.

It answers as far as an aggregated API server asks: discovery, lists in pages, watches with bookmarks, TokenReview and
SubjectAccessReview by rules, and simple writes. Everything is JSON, as for custom resources. There are no controllers,
no schedulers and no admission: what is written stays as it is. :class:`ControlPlane` is the real one.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from kubediscovery.certs import CertificateAuthority, KeyPair, Usage
from kubediscovery.kinds import Kind
from kubediscovery.listener import Listener, bind
from kubediscovery.testing.credentials import FRONT_PROXY
from kubediscovery.testing.fake_answers import Answers, Conditions
from kubediscovery.testing.fake_objects import Manifest, Objects
from kubediscovery.testing.fake_rights import Rights

_ADDRESS = "127.0.0.1"
_CONFIG_MAP = "extension-apiserver-authentication"


class FakeKubeApiserver:
    """A fake cluster; serves between ``async with``.

    ``objects`` are manifests as Kubernetes has them, ``rights`` who may what, ``conditions`` what goes wrong.
    ``requests`` tells what was asked: methods and paths with their queries, in order.
    """

    def __init__(self, objects: Iterable[Mapping[str, Any]] = ()) -> None:
        self.rights = Rights()
        self.conditions = Conditions()
        self.requests: list[tuple[str, str]] = []
        self.url = ""
        self.requestheader_ca = CertificateAuthority.create("fake-requestheader-ca")
        self.client_ca = CertificateAuthority.create("fake-client-ca")
        self._objects = Objects()
        self._answers = Answers(self._objects, self.rights, self.conditions)
        self._open: dict[int, Callable[[], object]] = {}
        self._put_trust()
        self.put(*objects)

    @property
    def version(self) -> int:
        """The resource version of the last change."""
        return self._objects.version

    @property
    def front_proxy(self) -> KeyPair:
        """A client certificate by which the aggregator proves itself."""
        return self.requestheader_ca.issue(FRONT_PROXY, usages=[Usage.CLIENT])

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig for the fake; there while it serves."""
        return Path(self._directory.name) / "kubeconfig"

    def put(self, *manifests: Mapping[str, Any]) -> int:
        """Make or replace objects, in order, and give the version of the last change.

        Raises :class:`BadRequest` for a kind whose CustomResourceDefinition is not there, and :class:`Invalid` for an
        object without a name.
        """
        for manifest in manifests:
            self._objects.put(manifest)
        return self.version

    def get(self, api_version: str, kind: str, name: str, namespace: str = "default") -> Manifest:
        """A copy of an object as it is; raises :class:`NotFound`."""
        return self._objects.get(self._kind(api_version, kind), namespace, name)

    def delete(self, api_version: str, kind: str, name: str, namespace: str = "default") -> int:
        """Take an object away, not what it owns, and give the version of that; raises :class:`NotFound`."""
        self._objects.delete(self._kind(api_version, kind), namespace, name)
        return self.version

    def drop_connections(self) -> int:
        """Break off all that is being answered, watches too, as a network does; gives how many that were."""
        ended = [*self._open.values()]
        for abort in ended:
            abort()
        return len(ended)

    def expire_versions(self) -> None:
        """Answer 410 to lists and watches that go on from before now, as after a compaction of etcd."""
        self._objects.expire()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        request = Request(scope, receive)
        abort: Callable[[], object] = scope["state"]["abort"]
        target = scope["path"] + (f"?{scope['query_string'].decode()}" if scope["query_string"] else "")
        self.requests.append((scope["method"], target))
        if self.conditions.is_away:
            abort()
            return
        number = id(request)
        self._open[number] = abort
        try:
            response = await self._answers.answer(request)
            await response(scope, receive, send)
        finally:
            del self._open[number]

    async def __aenter__(self) -> Self:
        self._directory = tempfile.TemporaryDirectory(prefix="kubediscovery-fake-")
        self._socket = bind(_ADDRESS, 0)
        self.url = f"http://{_ADDRESS}:{self._socket.getsockname()[1]}"
        self.kubeconfig.write_text(yaml.safe_dump(_kubeconfig(self.url)), encoding="utf-8")
        self._listener = Listener(self, tls=None)
        self._serving = asyncio.create_task(self._listener.serve(sockets=[self._socket]))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.abort()
        await self._serving
        self._socket.close()
        self._directory.cleanup()

    def _kind(self, api_version: str, kind: str) -> Kind:
        return self._objects.kind_of(api_version, kind)

    def _put_trust(self) -> None:
        """Whom aggregated servers believe (k8s.io/apiserver, pkg/server/options/authentication.go)."""
        data = {
            "client-ca-file": self.client_ca.certificate.decode(),
            "requestheader-client-ca-file": self.requestheader_ca.certificate.decode(),
            "requestheader-username-headers": '["X-Remote-User"]',
            "requestheader-group-headers": '["X-Remote-Group"]',
            "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
            "requestheader-allowed-names": f'["{FRONT_PROXY}"]',
        }
        metadata = {"name": _CONFIG_MAP, "namespace": "kube-system"}
        self.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})


def _kubeconfig(server: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "fake", "cluster": {"server": server}}],
        "users": [{"name": "server", "user": {}}],
        "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "server"}}],
        "current-context": "fake",
    }
