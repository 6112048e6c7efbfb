"""Which pods of a workload are of the revision that is rolled out, and which of former ones."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from kubediscovery.culprit import is_active, is_ready
from kubediscovery.objects import Object, PodState, RevisionState, WorkloadState
from kubediscovery.outcome import REVISION_LABEL, RevisionPods

# What an object owns, as far as it may be seen.
Below = Callable[[Object], Iterable[Object]]


@dataclass(frozen=True, slots=True)
class Revisions:
    """The pods of a workload by their revisions.

    ``new`` and ``old`` are those of the new revision and of former ones that are neither deleted nor at their end,
    ``unready`` those new ones that are not ready, ``terminating`` the former ones that are being deleted, ``newest`` a
    Deployment's new ReplicaSet. ``known`` is false where no pods may be seen, or nobody can say which are new: then the
    workload's own status has to do.
    """

    revision: str = ""
    new: Sequence[Object] = ()
    old: Sequence[Object] = ()
    unready: Sequence[Object] = ()
    terminating: Sequence[Object] = ()
    newest: Object | None = None
    known: bool = False
    counts: list[RevisionPods] | None = field(default=None)


def pods_of(owner: Object, below: Below) -> list[Object]:
    """The pods that it owns."""
    return [item for item in below(owner) if type(item.state) is PodState]


def of_deployment(root: Object, below: Below) -> Revisions:
    """The new ReplicaSet has the Deployment's own revision (k8s.io/kubernetes, ``pkg/controller/deployment/util``)."""
    revision = _revision(root)
    sets = [(_revision(item), item) for item in below(root) if isinstance(item.state, WorkloadState)]
    newest = next((item for found, item in sets if revision and found == revision), None)
    return _revisions([(found, pod) for found, item in sets for pod in pods_of(item, below)], revision, newest)


def _revision(item: Object) -> str:
    return item.state.revision if isinstance(item.state, WorkloadState) else ""


def of_stateful_set(root: Object, below: Below) -> Revisions:
    """The status names the new revision."""
    revision = root.state.update_revision if isinstance(root.state, WorkloadState) else ""
    return _revisions([(_label(pod), pod) for pod in pods_of(root, below)], revision)


def of_daemon_set(root: Object, below: Below) -> Revisions:
    """The new one is the ControllerRevision with the highest number (``pkg/controller/daemon/update.go``)."""
    known = [(item.state.revision, item) for item in below(root) if isinstance(item.state, RevisionState)]
    _, newest = max(known, key=lambda found: (found[0], found[1].name), default=(0, None))
    revision = (_label(newest) or newest.name.removeprefix(f"{root.name}-")) if newest else ""
    return _revisions([(_label(pod), pod) for pod in pods_of(root, below)], revision)


def _label(item: Object) -> str:
    return next((value for key, value in item.labels if key == REVISION_LABEL), "")


def _revisions(pods: Sequence[tuple[str, Object]], revision: str, newest: Object | None = None) -> Revisions:
    counts = counted(pods)
    if not revision:
        return Revisions(counts=counts)
    new: list[Object] = []
    old: list[Object] = []
    unready: list[Object] = []
    terminating: list[Object] = []
    for found, pod in pods:
        is_new = found == revision
        if is_active(pod):
            (new if is_new else old).append(pod)
            if is_new and not is_ready(pod):
                unready.append(pod)
        elif not is_new and pod.deleting:
            terminating.append(pod)
    return Revisions(revision, new, old, unready, terminating, newest, known=bool(pods), counts=counts)


def counted(pods: Iterable[tuple[str, Object]]) -> list[RevisionPods] | None:
    """Pods with their revisions, by revision and images; None for none."""
    # Pods, ready ones and terminating ones.
    groups: defaultdict[tuple[str, tuple[str, ...]], list[int]] = defaultdict(lambda: [0, 0, 0])
    for revision, pod in pods:
        group = groups[revision, pod.state.images if isinstance(pod.state, PodState) else ()]
        group[0] += 1
        group[1] += is_ready(pod)
        group[2] += pod.deleting
    found = [
        RevisionPods(images, count, ready, revision, terminating)
        for (revision, images), (count, ready, terminating) in sorted(groups.items(), key=itemgetter(0))
    ]
    return found or None
