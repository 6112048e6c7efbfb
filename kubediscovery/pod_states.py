"""What is read of pods. There are more of them than of all else, and most are like their siblings."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, structs

from kubediscovery import schema, schema_pods
from kubediscovery.objects import ContainerTrouble, Phase, PodState, Reference
from kubediscovery.readings import MESSAGE_LIMIT, Reading, Shape, conditions, images, named, observed
from kubediscovery.resource_requests import requests_of
from kubediscovery.schema import has, present
from kubediscovery.sharing import Sharing

# What readiness and scheduling hang on.
_CONDITIONS = frozenset(("Ready", "ContainersReady", "PodScheduled"))
_NOT_TERMINATED = schema_pods.ContainerStateTerminated()


class Plan(Struct, frozen=True, gc=False):
    """What a pod's spec says that it has in common with its siblings."""

    restart_policy: str
    total: int
    sidecars: frozenset[str]
    images: tuple[str, ...]
    other_images: tuple[str, ...]
    references: tuple[Reference, ...]
    requests: tuple[tuple[str, str], ...]


def _read(raw: schema_pods.Pod, sharing: Sharing) -> Reading:
    spec: Any = raw.spec
    node = spec.node_name
    # Siblings run on different nodes.
    if isinstance(spec, Struct):
        spec = structs.replace(spec, node_name="")
    else:
        spec.ClearField("node_name")
    plan = sharing.read_once(spec, plan_of)
    return Reading(state_of(raw.status, plan, sharing), plan.references, node=node)


def plan_of(spec: schema_pods.PodSpec) -> Plan:
    """What a spec says, in which no node is named."""
    main = images(spec.containers)
    others = images(spec.init_containers, _ephemeral(spec))
    # k8s.io/kubernetes, pkg/api/v1/pod/util.go, IsRestartableInitContainer
    sidecars = [container.name for container in spec.init_containers if container.restart_policy == "Always"]
    return Plan(
        restart_policy=sys.intern(spec.restart_policy),
        total=len(spec.containers) + len(sidecars),
        sidecars=frozenset(sidecars),
        images=main,
        other_images=tuple(image for image in others if image not in main),
        references=named(_references(spec)),
        requests=requests_of(spec),
    )


def _ephemeral(spec: schema_pods.PodSpec) -> Iterator[schema_pods.Container]:
    return (container.ephemeral_container_common for container in spec.ephemeral_containers)


def state_of(status: schema_pods.PodStatus, plan: Plan, sharing: Sharing) -> PodState:
    """How a pod of that plan is."""
    main, init = list(status.container_statuses), list(status.init_container_statuses)
    # At the end of a pod its sidecars are killed: what fails is told of the others first.
    statuses = main + [container for container in init if container.name in plan.sidecars]
    starting = [container for container in init if container.name not in plan.sidecars]
    wanted = [condition for condition in status.conditions if condition.type in _CONDITIONS]
    # Shared by themselves: the whole may differ from its siblings' by restarts.
    unmet = conditions(condition for condition in wanted if condition.status != "True")
    unready = [container for container in statuses if not container.ready]
    troubles = _troubles(starting, init=True) + _troubles(unready, init=False)
    counted = statuses if _is_initialized(status, starting) else statuses + starting
    ids = tuple(dict.fromkeys(container.image_id for container in main if container.image_id))
    return PodState(
        phase=sys.intern(status.phase),
        restart_policy=plan.restart_policy,
        ready=len(statuses) - len(unready),
        total=plan.total,
        restarts=sum(container.restart_count for container in counted),
        images=plan.images,
        is_ready=any(condition.type == "Ready" and condition.status == "True" for condition in wanted),
        reason=status.reason,
        message=status.message[:MESSAGE_LIMIT],
        conditions=sharing.share(unmet) if unmet else (),
        troubles=sharing.share(troubles) if troubles else (),
        other_images=plan.other_images,
        requests=sharing.share(plan.requests) if plan.requests else (),
        image_ids=sharing.share(ids) if ids else (),
        observed_generation=observed(status.observed_generation),
    )


def _is_initialized(status: schema_pods.PodStatus, starting: Iterable[schema_pods.ContainerStatus]) -> bool:
    """Whether the init containers are done, by the rule of kubectl (printPod)."""
    states = (container.state for container in starting)
    return all(
        _phase(state) is Phase.TERMINATED and not (state.terminated or _NOT_TERMINATED).exit_code for state in states
    ) or any(condition.type == "Initialized" and condition.status == "True" for condition in status.conditions)


def _troubles(statuses: Iterable[schema_pods.ContainerStatus], *, init: bool) -> tuple[ContainerTrouble, ...]:
    found = (_trouble(status, init=init) for status in statuses)
    return tuple(trouble for trouble in found if trouble is not None)


def _trouble(status: schema_pods.ContainerStatus, *, init: bool) -> ContainerTrouble | None:
    """None for an init container that runs or ended well."""
    phase = _phase(status.state)
    terminated = status.state.terminated or _NOT_TERMINATED
    present = terminated if phase is Phase.TERMINATED else status.state.waiting
    exit_code = terminated.exit_code if phase is Phase.TERMINATED else 0
    if init and (phase is Phase.RUNNING or (phase is Phase.TERMINATED and exit_code == 0)):
        return None
    last = status.last_state.terminated or _NOT_TERMINATED
    return ContainerTrouble(
        name=status.name,
        phase=phase,
        init=init,
        reason=present.reason,
        message=present.message[:MESSAGE_LIMIT],
        exit_code=exit_code,
        last_reason=last.reason,
        last_exit_code=last.exit_code,
        terminated_before=_phase(status.last_state) is Phase.TERMINATED,
    )


def _phase(state: schema_pods.ContainerState) -> Phase:
    """A state that names nothing is waiting (k8s.io/api, core/v1/types.go, ContainerState)."""
    if has(state, "running"):
        return Phase.RUNNING
    return Phase.TERMINATED if has(state, "terminated") else Phase.WAITING


def _references(spec: schema_pods.PodSpec) -> Iterator[Reference]:
    """Whatever the kubelet needs to run it; the claims of ephemeral volumes are owned by the pod instead."""
    yield Reference("serviceAccount", "", "ServiceAccount", spec.service_account_name)
    yield Reference("priorityClass", "scheduling.k8s.io", "PriorityClass", spec.priority_class_name)
    yield Reference("runtimeClass", "node.k8s.io", "RuntimeClass", spec.runtime_class_name)
    for secret in spec.image_pull_secrets:
        yield _secret(secret.name)
    for containers in (spec.init_containers, spec.containers, _ephemeral(spec)):
        for container in containers:
            yield from _of_environment(container)
    for volume in spec.volumes:
        yield from _by_field(volume.volume_source)


def _secret(name: str) -> Reference:
    return Reference("secret", "", "Secret", name)


def _config_map(name: str) -> Reference:
    return Reference("configMap", "", "ConfigMap", name)


def _of_environment(container: schema_pods.Container) -> Iterator[Reference]:
    for variable in container.env:
        if has(variable, "value_from"):
            yield from _by_field(variable.value_from)
    for source in container.env_from:
        yield from _by_field(source)


def _by_field(part: Any) -> Iterator[Reference]:
    for name, value in present(part):
        yield from _READ[name](value)


def _of_secret(value: Any) -> Iterator[Reference]:
    yield _secret(value.local_object_reference.name)


def _of_config_map(value: schema.NamedReference) -> Iterator[Reference]:
    yield _config_map(value.local_object_reference.name)


def _of_secret_ref(volume: Any) -> Iterator[Reference]:
    yield _secret(volume.secret_ref.name)


def _of_secret_name(volume: schema_pods.SecretVolume | schema_pods.AzureFileVolume) -> Iterator[Reference]:
    yield _secret(volume.secret_name)


def _of_claim(volume: schema_pods.ClaimVolume) -> Iterator[Reference]:
    yield Reference("claim", "", "PersistentVolumeClaim", volume.claim_name)


def _of_projected(volume: schema_pods.ProjectedVolume) -> Iterator[Reference]:
    for projection in volume.sources:
        for name, value in present(projection):
            yield from _PROJECTED[name](value)


def _of_driver(volume: schema_pods.CSIVolume) -> Iterator[Reference]:
    yield Reference("csiDriver", "storage.k8s.io", "CSIDriver", volume.driver)
    yield _secret(volume.node_publish_secret_ref.name)


# By the fields of env, envFrom and volumes; a projection has a Secret of another form than a volume.
_READ: Mapping[str, Callable[[Any], Iterator[Reference]]] = {
    "config_map_key_ref": _of_config_map,
    "secret_key_ref": _of_secret,
    "config_map_ref": _of_config_map,
    "secret_ref": _of_secret,
    "config_map": _of_config_map,
    "secret": _of_secret_name,
    "azure_file": _of_secret_name,
    "iscsi": _of_secret_ref,
    "rbd": _of_secret_ref,
    "flex_volume": _of_secret_ref,
    "cinder": _of_secret_ref,
    "cephfs": _of_secret_ref,
    "scale_io": _of_secret_ref,
    "storageos": _of_secret_ref,
    "persistent_volume_claim": _of_claim,
    "projected": _of_projected,
    "csi": _of_driver,
}
_PROJECTED: Mapping[str, Callable[[Any], Iterator[Reference]]] = {"secret": _of_secret, "config_map": _of_config_map}

POD = Shape(schema_pods.Pod, _read)
