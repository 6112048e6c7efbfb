"""What a controller keeps of former revisions only to be able to go back to them."""

from collections.abc import Callable, Mapping

from kubediscovery.objects import Object, RevisionState, WorkloadState


def without_inactive(owner: Object, children: list[Object], owns: Callable[[Object], bool]) -> list[Object]:
    """The children of an owner without those of a former revision of which nothing runs.

    These are ReplicaSets that want no pods, have none and own nothing, unless they are of their owner's present
    revision, as where a Deployment is scaled to 0; and ControllerRevisions that are not what their owner names as its
    present or coming one or, of an owner that names none, not the newest. A Job that has ended is nobody's former
    revision. ``owns`` says whether an object owns anything that may be seen.
    """
    present = _present_revisions(owner, children)
    return [child for child in children if not _is_former(child, present) or owns(child)]


def _present_revisions(owner: Object, children: list[Object]) -> set[str]:
    """Names of ControllerRevisions and numbers of ReplicaSets."""
    state = owner.state
    if isinstance(state, WorkloadState) and (state.current_revision or state.update_revision or state.revision):
        return {state.current_revision, state.update_revision, state.revision}
    newest = max(children, key=_number, default=owner)
    return {newest.name} if isinstance(newest.state, RevisionState) else set()


def _number(item: Object) -> int:
    return item.state.revision if isinstance(item.state, RevisionState) else -1


def _is_former(child: Object, present: set[str]) -> bool:
    rule = _RULES.get((child.kind.group, child.kind.kind))
    return rule is not None and rule(child, present)


def _is_former_replica_set(child: Object, present: set[str]) -> bool:
    state = child.state
    if not isinstance(state, WorkloadState) or state.desired or state.replicas:
        return False
    return not state.revision or state.revision not in present


def _is_former_revision(child: Object, present: set[str]) -> bool:
    return child.name not in present


_RULES: Mapping[tuple[str, str], Callable[[Object, set[str]], bool]] = {
    ("apps", "ReplicaSet"): _is_former_replica_set,
    ("apps", "ControllerRevision"): _is_former_revision,
}
