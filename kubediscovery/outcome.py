"""What is answered about a rollout."""

from enum import StrEnum
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from kubediscovery.culprit import Culprit

REVISION_LABEL = "controller-revision-hash"


class RolloutState(StrEnum):
    """How far a rollout is; only Complete and Failed are answers to whoever waits."""

    COMPLETE = "Complete"
    PROGRESSING = "Progressing"
    PAUSED = "Paused"
    FAILED = "Failed"


class RevisionPods(msgspec.Struct, frozen=True, omit_defaults=True):
    """The pods of one revision that have the same images."""

    images: Annotated[tuple[str, ...], Meta(description="Images of the pods' containers, in their order.")]
    pods: Annotated[int, Meta(description="Pods of the revision with these images, whatever has become of them.")]
    ready: Annotated[int, Meta(description="Those of them whose condition Ready is True.")]
    revision: Annotated[str, Meta(description="The revision, as in the rollout's own field.")] = ""
    terminating: Annotated[int, Meta(description="Those of them that are being deleted.")] = 0


class Rollout(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Whether what was asked for has been rolled out, and what stands in its way."""

    state: Annotated[
        RolloutState,
        Meta(
            description="Complete once everything wanted is there and no pod of a former revision is left; Failed as "
            "soon as something will not come right by itself; Paused where somebody has to go on; else Progressing."
        ),
    ]
    desired: Annotated[int, Meta(description="Pods that are wanted; for a Job, its completions.")]
    ready: Annotated[int, Meta(description="Ready pods, of whichever revision, as the controller counts them.")]
    old: Annotated[int, Meta(description="Pods of former revisions that nobody has begun to delete.")]
    terminating: Annotated[int, Meta(description="Pods of former revisions that are still terminating.")]
    updated: Annotated[
        int | None, Meta(description="Pods of the new revision, as the controller counts them; not of a Job.")
    ] = None
    available: Annotated[
        int | None, Meta(description="Pods that have been ready for minReadySeconds; not of a Job.")
    ] = None
    active: Annotated[int | None, Meta(description="Of a Job: pods that are running or waiting.")] = None
    succeeded: Annotated[int | None, Meta(description="Of a Job: pods that ended well.")] = None
    failed: Annotated[int | None, Meta(description="Of a Job: pods that failed.")] = None
    revision: Annotated[
        str,
        Meta(
            description="The revision that is rolled out: a Deployment's number, and the label "
            f"{REVISION_LABEL} of the pods of a StatefulSet or DaemonSet; a CronJob's last Job."
        ),
    ] = ""
    reason: Annotated[str, Meta(description="One CamelCase word for why the rollout is in this state.")] = ""
    message: Annotated[str, Meta(description="The reason in a sentence for people.")] = ""
    culprit: Annotated[Culprit | None, Meta(description="What a rollout fails at, with its own words.")] = None
    revisions: Annotated[
        list[RevisionPods] | None,
        Meta(description="The pods by revision and images; left out where there are none that you may see."),
    ] = None


class Outcome(NamedTuple):
    """How a rollout stands by one rule; ``message`` is for people."""

    state: RolloutState
    reason: str = ""
    message: str = ""
    culprit: Culprit | None = None
