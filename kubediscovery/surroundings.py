"""What stands around the demo's ``web``: nothing of it is owned by a workload, relations lead there."""

from collections.abc import Iterable, Iterator

from kubediscovery.scenery import NAME, SETTINGS, Manifest, condition, letters, make, version_of

_HOST, _ADDRESS, _PORT = "shop.example.com", "192.0.2.10", 8080


def around(web: Iterable[Manifest], created: str, configured: str) -> Iterator[Manifest]:
    """A ConfigMap, and of a Deployment with its pods a Service, its EndpointSlice, an Ingress and an autoscaler.

    The EndpointSlice follows the pods: it changes whenever the Deployment does.
    """
    deployment, *below = web
    metadata = deployment["metadata"]
    namespace, name = metadata["namespace"], metadata["name"]
    yield make("ConfigMap", namespace, SETTINGS, configured, data={"LOG_LEVEL": "info"})
    port = {"name": "http", "port": 80, "targetPort": _PORT, "protocol": "TCP"}
    spec = {"type": "ClusterIP", "clusterIP": "10.96.12.34", "selector": {NAME: name}, "ports": [port]}
    service = make("Service", namespace, name, created, spec=spec, status={"loadBalancer": {}})
    yield service
    pods = [manifest for manifest in below if manifest["kind"] == "Pod"]
    yield make(
        "EndpointSlice",
        namespace,
        f"{name}-{letters(name, 5)}",
        created,
        owner=service,
        version=version_of(deployment),
        labels={"kubernetes.io/service-name": name},
        addressType="IPv4",
        endpoints=[_endpoint(pod, number) for number, pod in enumerate(pods)],
        ports=[{"name": "http", "port": _PORT, "protocol": "TCP"}],
    )
    backend = {"service": {"name": name, "port": {"name": "http"}}}
    rule = {"host": _HOST, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    address = {"loadBalancer": {"ingress": [{"ip": _ADDRESS}]}}
    yield make("Ingress", namespace, name, created, spec={"rules": [rule]}, status=address)
    yield _autoscaler(deployment, created)


def _endpoint(pod: Manifest, number: int) -> Manifest:
    metadata = pod["metadata"]
    ready = any(found["type"] == "Ready" and found["status"] == "True" for found in pod["status"]["conditions"])
    return {
        "addresses": [f"10.244.0.{number + 10}"],
        "conditions": {"ready": ready, "serving": ready, "terminating": False},
        "nodeName": pod["spec"]["nodeName"],
        "targetRef": {"kind": "Pod", **{key: metadata[key] for key in ("namespace", "name", "uid")}},
    }


def _autoscaler(deployment: Manifest, created: str) -> Manifest:
    metadata, replicas = deployment["metadata"], deployment["spec"]["replicas"]
    target = {"apiVersion": deployment["apiVersion"], "kind": deployment["kind"], "name": metadata["name"]}
    usage = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}
    conditions = [
        condition("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size"),
        condition("ScalingActive", "True", "ValidMetricFound", "the HPA was able to compute a replica count"),
        condition("ScalingLimited", "False", "DesiredWithinRange", "the desired count is within the acceptable range"),
    ]
    return make(
        "HorizontalPodAutoscaler",
        metadata["namespace"],
        metadata["name"],
        created,
        spec={
            "scaleTargetRef": target,
            "minReplicas": 2,
            "maxReplicas": replicas * 2,
            "metrics": [{"type": "Resource", "resource": usage}],
        },
        status={"currentReplicas": replicas, "desiredReplicas": replicas, "conditions": conditions},
    )
