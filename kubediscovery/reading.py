"""Compositions of a snapshot, where no cluster is: what there is, is there at once, and does not change."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from kubediscovery.addresses import Address, KindNames, Place, names_of
from kubediscovery.answers import Answer, Problem, read_answer, read_problems
from kubediscovery.asking import Change
from kubediscovery.composition import Composition
from kubediscovery.compositions import Compositions, Target
from kubediscovery.errors import NotFound
from kubediscovery.findings import Finding, Rule, sort_findings
from kubediscovery.lint import Lint
from kubediscovery.local import local_api
from kubediscovery.options import FIELDS, Options
from kubediscovery.selectors import parse_field_selector, parse_label_selector
from kubediscovery.sight import Sight
from kubediscovery.snapshot import load_snapshot
from kubediscovery.store import Store


class SnapshotSource:
    """What a file or a folder holds; raises :class:`ConfigurationError` for what cannot be used."""

    def __init__(self, path: Path, group: str) -> None:
        api = local_api(group)
        self._store = Store(api.kinds)
        load_snapshot(path, self._store)
        self._compositions = Compositions(api, self._store)
        self._api_version = api.api_version

    async def names(self) -> KindNames:
        """The kinds that a snapshot can hold."""
        return names_of(self._store.kinds)

    async def least_version(self, place: Place) -> int:
        """Nothing has been written since."""
        del place
        return 0

    async def answers(self, place: Place, least_version: int) -> tuple[list[Answer], str]:
        """What there is in the place; never raises."""
        del least_version
        sight = Sight(None, frozenset(self._store.kinds), all=True)
        if isinstance(place, Address):
            try:
                found = [self._compositions.one(place.kind, place.namespace, place.name, sight)]
            except NotFound:
                found = []
        else:
            options = Options(
                labels=parse_label_selector(place.labels), fields=parse_field_selector(place.fields, FIELDS)
            )
            found = self._compositions.many(Target(None, place.namespace), options, sight).items
        return [_answer(each) for each in found], ""

    async def changes(self, place: Place, version: str) -> AsyncIterator[Change]:
        """Nothing ever changes."""
        del place, version
        for change in tuple[Change, ...]():
            yield change

    async def lint(self, namespace: str | None) -> tuple[Problem, ...]:
        """What is wrong with owners, but for owners of kinds of which the snapshot has nothing at all."""
        sight = Sight(namespace, frozenset(self._store.kinds), all=True)
        lint = Lint(self._store, sight, self._api_version)
        items = [item for kind in self._store.kinds for item in self._store.objects(kind, namespace)]
        found = [finding for item in items for finding in lint.of(item)]
        found += lint.cycles({item.uid: lint.owners(item) for item in items if item.owners})
        known = [msgspec.to_builtins(finding) for finding in sort_findings(found) if not self._is_left_out(finding)]
        return read_problems({"items": known})

    def _is_left_out(self, finding: Finding) -> bool:
        if finding.rule is not Rule.OWNER_NOT_FOUND or finding.reference is None:
            return False
        group = finding.reference.api_version.rpartition("/")[0]
        kind = self._store.kinds.by_group_kind(group, finding.reference.kind)
        return kind is None or not self._store.count(kind)


def _answer(composition: Composition) -> Answer:
    return read_answer(msgspec.to_builtins(composition))
