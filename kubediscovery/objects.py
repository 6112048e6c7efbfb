"""What the caches hold of an object: only what trees need, as frozen values.

A pod of a Deployment costs about half a kilobyte this way, where its JSON is 6 KB. The values never point back at one
another, so ``gc=False`` keeps hundreds of thousands of them out of the garbage collector's rounds.
"""

from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

from kubediscovery.kinds import Kind
from kubediscovery.selectors import Selector

T = TypeVar("T")

Labels = tuple[tuple[str, str], ...]


def version_number(resource_version: str) -> int:
    """A resource version as the number that kube-apiserver means by it; 0 for what is none."""
    return int(resource_version) if resource_version.isdecimal() and len(resource_version) < 20 else 0


class Owner(Struct, frozen=True, gc=False):
    """One entry of ``metadata.ownerReferences``; ``uid`` alone decides whom it means."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool


class Condition(Struct, frozen=True, gc=False):
    """One entry of ``status.conditions``."""

    type: str
    status: str
    reason: str
    message: str


class Reference(Struct, frozen=True, gc=False):
    """What an object's own fields say of another one by name: ``relation`` is the rule that the reference is of.

    ``namespace`` None means the object's own, and nothing where the other kind is cluster-scoped.
    """

    relation: str
    group: str
    kind: str
    name: str
    namespace: str | None = None


class Judgement(Struct, frozen=True, gc=False):
    """A verdict that was reached when the object was read, by a rule of the configuration; ``health`` is its name."""

    health: str
    reason: str = ""
    message: str = ""


class MetadataState(Struct, frozen=True, gc=False):
    """The state of a kind of which nothing but the metadata is looked at."""


class ConfigMapState(Struct, frozen=True, gc=False):
    """A ConfigMap's data, sorted by key."""

    data: tuple[tuple[str, str], ...]


class StatusState(Struct, frozen=True, gc=False):
    """What a status says by convention: of custom kinds, and of Kubernetes's own that have no state of their own.

    ``observed_generation`` is -1 where there is none. ``desired`` and ``ready`` count what the kind counts, -1 where it
    does not: a PodDisruptionBudget desiredHealthy and currentHealthy, a HorizontalPodAutoscaler desiredReplicas and
    currentReplicas, a custom kind spec.replicas and status.readyReplicas. ``phase`` is of claims, volumes, Namespaces
    and custom kinds. Conditions of a Gateway API route are those of each parent, one after another.
    ``flags`` are facts that a rule of the kind needs, sorted by name, absent where they are empty:

    - Service: ``type``, ``clusterIP`` (``None`` for a headless one), ``address``
    - Ingress, Gateway: ``address``, as of a Service the first ip or hostname of a load balancer
    - Node: ``unschedulable`` is ``true``
    - VolumeAttachment: ``attached`` is ``true`` or ``false``, ``error`` the message of attachError, or of detachError
    - CustomResourceDefinition: ``group``, ``kind``, ``plural``, the first kubediscovery's annotations ``resource/…``
    - custom kinds: ``suspended`` is ``true`` where spec.suspend or spec.paused is
    """

    observed_generation: int = -1
    conditions: tuple[Condition, ...] = ()
    phase: str = ""
    desired: int = -1
    ready: int = -1
    flags: tuple[tuple[str, str], ...] = ()


class EventState(Struct, frozen=True, gc=False):
    """An Event: ``type`` is Normal or Warning, ``last_seen`` in seconds since 1970.

    ``about`` is the UID of what it regards, empty where it gives none.
    """

    type: str
    reason: str
    message: str
    count: int
    last_seen: int
    about: str = ""


class WorkloadState(Struct, frozen=True, gc=False):
    """Deployment, ReplicaSet, StatefulSet, DaemonSet and ReplicationController: wanted and reached numbers of pods.

    ``strategy`` is the update strategy's type, ``partition`` a StatefulSet's, whose pods wait for no other where it is
    ``parallel``; ``progress_deadline`` is seconds, 0 for none. ``current_revision`` and ``update_revision`` are a
    StatefulSet's ControllerRevisions, ``revision`` a Deployment's own number. Messages that nobody is told are empty.
    """

    desired: int
    replicas: int
    updated: int
    ready: int
    available: int
    observed_generation: int
    images: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    current: int = 0
    paused: bool = False
    progress_deadline: int = 0
    strategy: str = ""
    partition: int = 0
    current_revision: str = ""
    update_revision: str = ""
    revision: str = ""
    parallel: bool = False


class JobState(Struct, frozen=True, gc=False):
    """A Job: pods by how they ended. ``started`` says that it has a startTime."""

    completions: int
    parallelism: int
    suspended: bool
    active: int
    succeeded: int
    failed: int
    ready: int
    started: bool
    images: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()


class CronJobState(Struct, frozen=True, gc=False):
    """A CronJob. The two times are seconds since 1970, 0 for never."""

    schedule: str
    suspended: bool
    active: int
    last_schedule: int
    last_success: int
    images: tuple[str, ...]


class AggregationState(Struct, frozen=True, gc=False):
    """A ClusterRole, put together of what any of the selectors selects; the object has one for all where it can."""

    selectors: tuple[Selector, ...] = ()


class RevisionState(Struct, frozen=True, gc=False):
    """A ControllerRevision's number."""

    revision: int


class Phase(StrEnum):
    """What a container is doing."""

    RUNNING = "running"
    WAITING = "waiting"
    TERMINATED = "terminated"


class ContainerTrouble(Struct, frozen=True, gc=False):
    """A container that is not simply running and ready.

    ``reason``, ``message`` and ``exit_code`` are of the present state; what begins with ``last`` of the run before.
    """

    name: str
    phase: Phase
    init: bool
    reason: str
    message: str
    exit_code: int
    last_reason: str
    last_exit_code: int
    terminated_before: bool


class PodState(Struct, frozen=True, gc=False):
    """A Pod but for its node, so that siblings share it; ``ready`` of ``total`` containers.

    ``other_images`` are those of init and ephemeral containers alone. Init containers that run on beside the others
    (sidecars) count among the containers, as for kubectl; the restarts of the others do until the pod is initialized.
    ``image_ids`` are the images that run, as the container runtime names them. ``observed_generation`` is the
    kubelet's, -1 for none. ``conditions`` holds Ready, ContainersReady and PodScheduled where they are not True.
    ``overdue`` says that it is older than a pod should be that finds no node: :mod:`kubediscovery.ripening` sets it.
    ``requests`` is by resource.
    """

    phase: str
    restart_policy: str
    ready: int
    total: int
    restarts: int
    images: tuple[str, ...]
    is_ready: bool
    reason: str = ""
    message: str = ""
    conditions: tuple[Condition, ...] = ()
    troubles: tuple[ContainerTrouble, ...] = ()
    overdue: bool = False
    other_images: tuple[str, ...] = ()
    requests: tuple[tuple[str, str], ...] = ()
    image_ids: tuple[str, ...] = ()
    observed_generation: int = -1


State = (
    MetadataState
    | ConfigMapState
    | StatusState
    | EventState
    | WorkloadState
    | JobState
    | CronJobState
    | AggregationState
    | RevisionState
    | PodState
)


class Object(Struct, frozen=True, gc=False):
    """An object of a tracked kind. ``created`` is seconds since 1970; ``deleting`` means it has a deletionTimestamp.

    ``references`` are what its fields name, apart from ``node``, which a Pod is bound to: siblings on other nodes share
    them. ``named`` has both. ``selector`` is the pods (of its namespace) that its fields select, None for none.
    ``release`` is the Helm release that made it, as ``namespace/name``. ``judgement`` overrules every rule.
    """

    kind: Kind
    namespace: str
    name: str
    uid: str
    resource_version: int
    generation: int
    created: int
    deleting: bool
    labels: Labels
    owners: tuple[Owner, ...]
    state: State
    references: tuple[Reference, ...] = ()
    selector: Selector | None = None
    release: str = ""
    judgement: Judgement | None = None
    node: str = ""

    @property
    def named(self) -> tuple[Reference, ...]:
        """All that its fields name: the references, and the node that a Pod is bound to."""
        return (*self.references, Reference("node", "", "Node", self.node)) if self.node else self.references


class EventType(StrEnum):
    """The types of a watch event that a reflector acts on; an ERROR is raised instead."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"


class Page(NamedTuple, Generic[T]):
    """One page of a list; an empty ``continue_token`` means it is the last."""

    items: list[T]
    resource_version: str
    continue_token: str


class Event(NamedTuple, Generic[T]):
    """One event of a watch; a BOOKMARK has no item."""

    type: EventType
    item: T | None
    resource_version: str
