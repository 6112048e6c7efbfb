"""What an app offers, as far as its installation depends on that: groups, subresources, and the kinds that it reads.

``python -m kubediscovery.offers module:registry`` writes it as JSON: who goes on running learns of changed sources by
another process.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace

import msgspec
from msgspec import Struct

from kubediscovery.access import UsersRule
from kubediscovery.api import GroupVersion
from kubediscovery.errors import ConfigurationError, RegistrationError
from kubediscovery.install import InstallOptions
from kubediscovery.kinds import Kinds
from kubediscovery.loading import load_registries
from kubediscovery.registry import Registry
from kubediscovery.served import Served
from kubediscovery.wanted_kinds import wanted_kinds


class Offer(Struct, frozen=True):
    """Each group and version, the rights that users get, and patterns of the kinds that are read, none for all."""

    apis: tuple[GroupVersion, ...]
    users: tuple[UsersRule, ...]
    kinds: tuple[str, ...] = ()

    def installed_by(self, options: InstallOptions) -> InstallOptions:
        """The options with this offer; kinds that they name themselves are all that is read."""
        first, *others = self.apis
        return replace(
            options,
            api_group=first.group,
            version=first.version,
            others=tuple(others),
            users=self.users,
            kinds=options.kinds or self.kinds,
        )

    def news(self, before: "Offer") -> Iterator[str]:
        """What is not as it was before, in words."""
        yield from _changes("group", map(_api_words, self.apis), map(_api_words, before.apis))
        yield from _changes("resource", map(_rule_words, self.users), map(_rule_words, before.users))
        yield from _changes("kind to read", self.kinds or ["(all)"], before.kinds or ["(all)"])


def offer_of(app: str) -> Offer:
    """What the app offers; raises :class:`ConfigurationError` for one that cannot be loaded or served."""
    registries = load_registries(app)
    try:
        Served(registries, Kinds())
    except RegistrationError as error:
        raise ConfigurationError(f"--app {app}: {error}") from error
    apis = dict.fromkeys(GroupVersion(each.group, each.version) for each in registries)
    kinds = tuple(pattern.text for pattern in wanted_kinds(registries) or ())
    return Offer(tuple(apis), tuple(_rules(registries)), kinds)


def _rules(registries: Iterable[Registry]) -> Iterator[UsersRule]:
    for registry in registries:
        for found in registry:
            yield UsersRule(f"*/{found.name}" if found.on is not None else found.name, found.verbs, registry.group)


def _changes(what: str, now: Iterable[str], before: Iterable[str]) -> Iterator[str]:
    present, former = dict.fromkeys(now), dict.fromkeys(before)
    yield from (f"new {what} {each}" for each in present if each not in former)
    yield from (f"no {what} {each} any more" for each in former if each not in present)


def _api_words(api: GroupVersion) -> str:
    return f"{api.group}/{api.version}"


def _rule_words(rule: UsersRule) -> str:
    return f"{rule.resource} of {rule.group} ({', '.join(rule.verbs)})"


def main() -> None:
    """Write the offer of an app; with status 1 and what is wrong on standard error where there is none."""
    try:
        offer = offer_of(sys.argv[1])
    except ConfigurationError as error:
        sys.exit(f"{error}")
    sys.stdout.buffer.write(msgspec.json.encode(offer))


if __name__ == "__main__":
    main()
