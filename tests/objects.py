"""Objects as the caches hold them, made up for tests."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import structs

from kubediscovery.kinds import BUILT_IN_KINDS, Kind, Kinds
from kubediscovery.objects import (
    Condition,
    CronJobState,
    JobState,
    MetadataState,
    Object,
    Owner,
    PodState,
    RevisionState,
    State,
    WorkloadState,
)
from kubediscovery.sight import Sight
from kubediscovery.store import Store

DEPLOYMENT, REPLICA_SET, STATEFUL_SET, DAEMON_SET, REVISION, JOB, CRON_JOB, POD = BUILT_IN_KINDS
# Kinds as discovery will bring them: of the cluster's scope, and with the names of a built-in one.
FLEET = Kind("example.com", "v1", "fleets", "Fleet", "fleet", namespaced=False, workload=True)
OTHER_DEPLOYMENT = Kind("example.com", "v1", "deployments", "Deployment", "deployment", workload=True)
KINDS = Kinds((*BUILT_IN_KINDS, FLEET, OTHER_DEPLOYMENT))

IMAGES = ("nginx:1.27",)
AVAILABLE = Condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
WORKLOAD = WorkloadState(
    desired=2,
    replicas=2,
    updated=2,
    ready=2,
    available=2,
    observed_generation=1,
    images=IMAGES,
    conditions=(AVAILABLE,),
    current=2,
)
RUNNING_POD = PodState(
    phase="Running", restart_policy="Always", ready=1, total=1, restarts=0, images=IMAGES, is_ready=True
)
RUNNING_JOB = JobState(
    completions=1, parallelism=1, suspended=False, active=1, succeeded=0, failed=0, ready=1, started=True, images=IMAGES
)
WAITING_CRON_JOB = CronJobState("* * * * *", suspended=False, active=0, last_schedule=0, last_success=0, images=IMAGES)
STATES: Mapping[Kind, State] = {
    DEPLOYMENT: WORKLOAD,
    REPLICA_SET: WORKLOAD,
    STATEFUL_SET: WORKLOAD,
    DAEMON_SET: WORKLOAD,
    REVISION: RevisionState(1),
    JOB: RUNNING_JOB,
    CRON_JOB: WAITING_CRON_JOB,
    POD: RUNNING_POD,
}


def make(
    kind: Kind,
    name: str,
    namespace: str = "shop",
    *,
    uid: str = "",
    owners: Iterable[Object | Owner] = (),
    **fields: Any,
) -> Object:
    """An object whose UID says what it is; ``fields`` are others of :class:`Object`."""
    item = Object(
        kind=kind,
        namespace=namespace if kind.namespaced else "",
        name=name,
        uid=uid or f"uid-{kind}-{namespace}-{name}",
        resource_version=100,
        generation=1,
        created=1_700_000_000,
        deleting=False,
        labels=(),
        owners=tuple(owner if isinstance(owner, Owner) else owner_of(owner) for owner in owners),
        state=STATES.get(kind, MetadataState()),
        node="n1" if kind == POD else "",
    )
    return structs.replace(item, **fields)


def owner_of(owner: Object, *, controller: bool = True) -> Owner:
    """A reference to the object."""
    return Owner(owner.kind.api_version, owner.kind.kind, owner.name, owner.uid, controller)


def filled(objects: Iterable[Object], kinds: Kinds = KINDS, *, version: int = 900) -> Store:
    """A store of these objects that has seen all of every kind."""
    store, items = Store(kinds), list(objects)
    for kind in kinds:
        store.replace(kind, [item for item in items if item.kind == kind], version)
    return store


def seeing(kinds: Iterable[Kind], *, named: Iterable[Kind] = KINDS) -> Sight:
    """What somebody sees who may list these kinds wherever the request looks."""
    seen, named = frozenset(kinds), frozenset(named)
    return Sight(None, seen, named=named | seen, all=named <= seen)


def by_owner(members: Iterable[Object]) -> Callable[[Object], Iterable[Object]]:
    """What gives what each owner owns of the members, each object once."""
    found: dict[str, dict[str, Object]] = {}
    for member in members:
        for owner in member.owners:
            found.setdefault(owner.uid, {})[member.uid] = member
    return lambda owner: found.get(owner.uid, {}).values()
