"""The kinds that are tracked: a table of those that every cluster has, and a registry that follows what one serves."""

from collections.abc import Iterable, Iterator

from msgspec import Struct


class Kind(Struct, frozen=True, cache_hash=True, gc=False):
    """A kind as kube-apiserver serves it.

    ``resource`` is the lower-case plural. ``workload`` says that an object of it which nothing tracked owns is a root
    of the top-level list, ``custom`` that it is none of Kubernetes's own: its status is read by convention.
    """

    group: str
    version: str
    resource: str
    kind: str
    singular: str
    namespaced: bool = True
    workload: bool = False
    custom: bool = False

    @property
    def api_version(self) -> str:
        """``apps/v1``, or ``v1`` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_resource(self) -> str:
        """``deployments.apps``, or ``pods`` for the core group."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    @property
    def list_path(self) -> str:
        """Where kube-apiserver lists all objects of the kind: ``/apis/apps/v1/deployments``."""
        prefix = f"/apis/{self.group}" if self.group else "/api"
        return f"{prefix}/{self.version}/{self.resource}"

    def __str__(self) -> str:
        return self.group_resource


BUILT_IN_KINDS = (
    Kind("apps", "v1", "deployments", "Deployment", "deployment", workload=True),
    Kind("apps", "v1", "replicasets", "ReplicaSet", "replicaset", workload=True),
    Kind("apps", "v1", "statefulsets", "StatefulSet", "statefulset", workload=True),
    Kind("apps", "v1", "daemonsets", "DaemonSet", "daemonset", workload=True),
    Kind("apps", "v1", "controllerrevisions", "ControllerRevision", "controllerrevision"),
    Kind("batch", "v1", "jobs", "Job", "job", workload=True),
    Kind("batch", "v1", "cronjobs", "CronJob", "cronjob", workload=True),
    Kind("", "v1", "pods", "Pod", "pod", workload=True),
)

CONFIG_MAP = Kind("", "v1", "configmaps", "ConfigMap", "configmap")


class Kinds:
    """The tracked kinds as they are now, found by what a request or a manifest calls them.

    What is made of them holds while ``version`` stays.
    """

    def __init__(self, kinds: Iterable[Kind] = BUILT_IN_KINDS) -> None:
        self.version = 0
        self._set(tuple(kinds))

    def become(self, kinds: Iterable[Kind]) -> None:
        """Exactly these are tracked from now on."""
        self.version += 1
        self._set(tuple(kinds))

    def _set(self, kinds: tuple[Kind, ...]) -> None:
        self._kinds = kinds
        self._known = frozenset(kinds)
        self._by_group_resource = {kind.group_resource: kind for kind in kinds}
        self._by_group_kind = {(kind.group, kind.kind): kind for kind in kinds}
        self._by_api_version = {(kind.api_version, kind.kind): kind for kind in kinds}
        # Where two groups have the same plural the first row wins, as the first group does for kubectl.
        self._by_plural = {kind.resource: kind for kind in reversed(kinds)}

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._kinds)

    def __contains__(self, kind: Kind) -> bool:
        return kind in self._known

    def by_resource(self, resource: str) -> Kind | None:
        """The kind that ``deployments`` or ``deployments.apps`` in a path means."""
        return self._by_group_resource.get(resource) or self._by_plural.get(resource)

    def name_of(self, kind: Kind) -> str:
        """What means the kind in a path: its plural, with the group where another kind has the same."""
        return kind.resource if self._by_plural.get(kind.resource) == kind else kind.group_resource

    def by_group_kind(self, group: str, kind: str) -> Kind | None:
        """The kind that a reference with a group and a kind means, in whatever version."""
        return self._by_group_kind.get((group, kind))

    def by_api_version(self, api_version: str, kind: str) -> Kind | None:
        """The kind of a manifest with this ``apiVersion`` and ``kind``."""
        return self._by_api_version.get((api_version, kind))
