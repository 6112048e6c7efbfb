"""A kube-apiserver in memory, as far as installing asks of it: the fake at the boundary."""

import copy
import itertools
from collections.abc import Mapping
from typing import Any

from kubediscovery.cluster import kind_of
from kubediscovery.errors import UpstreamError, UpstreamForbidden, UpstreamNotFound
from kubediscovery.manifests import INSTALLED_KINDS
from kubediscovery.workload import Manifest

AUTHENTICATION = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
API_SERVICE = "/apis/apiregistration.k8s.io/v1/apiservices/v1.kubediscovery.cloudark.io"
NAMESPACE = "/api/v1/namespaces/kubediscovery"
SECRET = f"{NAMESPACE}/secrets/kubediscovery-tls"
DEPLOYMENT = "/apis/apps/v1/namespaces/kubediscovery/deployments/kubediscovery"


class FakeKubeApiserver:
    """Objects by path; what may not be done; which conditions an APIService gets."""

    def __init__(self) -> None:
        self.objects: dict[str, Manifest] = {
            AUTHENTICATION: {"metadata": {}, "data": {"requestheader-client-ca-file": "PEM"}}
        }
        self.denied: set[tuple[str, str]] = set()
        self.refused: set[str] = set()
        self.undeletable: set[str] = set()
        self.condition: Mapping[str, str] = {"type": "Available", "status": "True"}
        self.aggregates = True
        self.pods: list[Manifest] = []
        self.changes: list[tuple[str, str]] = []
        self._uids = itertools.count()

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: float = 30,
    ) -> Any:
        if method == "POST":
            return self._review(body)
        if method != "GET":
            self.changes.append((method, path))
        if path in self.refused:
            raise UpstreamForbidden("forbidden: not you", code=403)
        if method == "GET" and (listed := self._list(path, query or {})) is not None:
            return {"items": listed}
        if method == "PATCH":
            assert content_type == "application/apply-patch+yaml"
            assert query == {"fieldManager": "kubediscovery", "force": "true"}
            return self.put(path, copy.deepcopy(body))
        if path not in self.objects:
            raise UpstreamNotFound(f"{path} not found", code=404)
        return self.objects[path] if method == "GET" or path in self.undeletable else self.objects.pop(path)

    def put(self, path: str, manifest: Any) -> Manifest:
        before = self.objects.get(path, {}).get("metadata", {})
        manifest["metadata"]["uid"] = before.get("uid") or str(next(self._uids))
        if manifest.get("kind") == "APIService":
            manifest["status"] = {"conditions": [self.condition]}
        self.objects[path] = manifest
        if "aggregationRule" in manifest and self.aggregates:
            manifest["rules"] = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}]
        return self.objects[path]

    def _list(self, path: str, query: Mapping[str, str]) -> list[Manifest] | None:
        if path == "/api/v1/namespaces/kube-system/pods":
            return self.pods
        if path not in {kind.list_path for kind in INSTALLED_KINDS}:
            return None
        wanted = dict(term.split("=") for term in query.get("labelSelector", "").split(",") if term)
        found = [m for m in self.objects.values() if "kind" in m and kind_of(m).list_path == path]
        return [m for m in found if wanted.items() <= m["metadata"].get("labels", {}).items()]

    def _review(self, body: Any) -> Any:
        spec = body["spec"]
        attributes = spec.get("resourceAttributes") or spec["nonResourceAttributes"]
        assert attributes["verb"]
        what = attributes.get("resource") or attributes["path"]
        return {"status": {"allowed": (attributes["verb"], what) not in self.denied}}


class UnreachableKubeApiserver(FakeKubeApiserver):
    """Nobody answers."""

    async def request(self, method: str, path: str, **_: Any) -> Any:
        raise UpstreamError(f"{method} {path}: connection refused")
