"""A certificate that cert-manager makes and renews: an authority of the installation's own, and what it signs."""

from collections.abc import Iterable

from kubediscovery.workload import Manifest, metadata

_KEY = {"algorithm": "ECDSA", "size": 256}


def certificates(product: str, namespace: str, secret_name: str, names: Iterable[str]) -> tuple[Manifest, ...]:
    """Issuers and Certificates; the serving one is for the DNS ``names`` and comes into the Secret."""
    authority, self_signed = f"{product}-ca", f"{product}-self-signed"

    def made(kind: str, name: str, spec: Manifest) -> Manifest:
        named = metadata(namespace, name, product)
        return {"apiVersion": "cert-manager.io/v1", "kind": kind, "metadata": named, "spec": spec}

    return (
        made("Issuer", self_signed, {"selfSigned": {}}),
        made(
            "Certificate",
            authority,
            {
                "secretName": authority,
                "commonName": authority,
                "isCA": True,
                "duration": "87600h",
                "privateKey": _KEY,
                "issuerRef": {"kind": "Issuer", "name": self_signed},
            },
        ),
        made("Issuer", authority, {"ca": {"secretName": authority}}),
        made(
            "Certificate",
            secret_name,
            {
                "secretName": secret_name,
                "dnsNames": list(names),
                "usages": ["digital signature", "server auth"],
                "privateKey": _KEY | {"rotationPolicy": "Always"},
                "issuerRef": {"kind": "Issuer", "name": authority},
            },
        ),
    )
