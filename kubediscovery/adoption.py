"""Who would adopt an object that no controller has.

The rules are those of kubernetes, ``pkg/controller/controller_ref_manager.go`` (ClaimObject), and of the controllers
that use it: a selector without requirements takes nothing (client-go, ``listers/apps/v1``), a StatefulSet takes pods
that are called like its own (``statefulset/stateful_set.go``), a ReplicaSet only those that have not ended
(``replicaset/replica_set.go``).
"""

import re
from collections.abc import Callable, Iterator, Mapping

from kubediscovery.objects import Object, PodState
from kubediscovery.store import Store

_NUMBERED = re.compile(r"(.*)-[0-9]+", re.DOTALL)
_ENDED = ("Succeeded", "Failed")

_Takes = Callable[[Object, Object], bool]


def _anything(_: Object, __: Object) -> bool:
    return True


def _active(_: Object, pod: Object) -> bool:
    return not isinstance(pod.state, PodState) or pod.state.phase not in _ENDED


def _numbered(controller: Object, pod: Object) -> bool:
    found = _NUMBERED.fullmatch(pod.name)
    return found is not None and found[1] == controller.name


_POD, _REVISION, _REPLICA_SET = ("", "Pod"), ("apps", "ControllerRevision"), ("apps", "ReplicaSet")
_ADOPTERS: Mapping[tuple[str, str], Mapping[tuple[str, str], _Takes]] = {
    _POD: {
        _REPLICA_SET: _active,
        ("", "ReplicationController"): _active,
        ("apps", "StatefulSet"): _numbered,
        ("apps", "DaemonSet"): _anything,
        ("batch", "Job"): _anything,
    },
    _REPLICA_SET: {("apps", "Deployment"): _anything},
    _REVISION: {("apps", "StatefulSet"): _anything, ("apps", "DaemonSet"): _anything},
}


def adopters_of(store: Store, orphan: Object) -> Iterator[Object]:
    """The controllers that would take an object, in no order; none for one that has a controller or is deleted."""
    takers = _ADOPTERS.get((orphan.kind.group, orphan.kind.kind))
    if takers is None or orphan.deleting or any(owner.controller for owner in orphan.owners):
        return
    labels = dict(orphan.labels)
    for uid in store.links.selecting(orphan):
        controller = store.get(uid)
        if controller is None or controller.deleting or controller.selector is None:
            continue
        takes = takers.get((controller.kind.group, controller.kind.kind))
        if takes is None or not controller.selector.terms or not controller.selector.matches(labels):
            continue
        if controller.namespace == orphan.namespace and takes(controller, orphan):
            yield controller
