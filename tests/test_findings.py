"""Reports of lint as Tables."""

import pytest

from kubediscovery.findings import Finding, Involved, LintReport, Rule, Severity, sort_findings, table_of_report
from kubediscovery.meta import ListMeta, ObjectMeta, PartialObjectMetadata


def finding(name: str, namespace: str = "shop") -> Finding:
    return Finding(
        kind="Finding",
        api_version="g.io/v1",
        metadata=ObjectMeta(name=name, namespace=namespace),
        severity=Severity.WARNING,
        rule=Rule.ORPHAN,
        object=Involved("v1", "Pod", "web-0", namespace),
        message="It has no controller.",
        action="Find out why.",
    )


REPORT = LintReport(
    api_version="g.io/v1", metadata=ListMeta(resource_version="9"), items=[finding("a"), finding("b")], omitted=[]
)


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_a_row_is_a_finding(version: str) -> None:
    table = table_of_report(REPORT, version=version, include_object="Metadata")
    assert table.api_version == f"meta.k8s.io/{version}"
    assert table.metadata is REPORT.metadata
    assert table.column_definitions is not None
    assert [column.name for column in table.column_definitions] == ["Name", "Severity", "Rule", "Message", "Action"]
    assert table.rows[0].cells == ["a", "Warning", "Orphan", "It has no controller.", "Find out why."]
    assert table.rows[0].object == PartialObjectMetadata(
        metadata=REPORT.items[0].metadata, api_version=f"meta.k8s.io/{version}"
    )


def test_rows_carry_what_is_asked_for() -> None:
    for include_object, expected in (("Object", REPORT.items[0]), ("None", None)):
        assert table_of_report(REPORT, version="v1", include_object=include_object).rows[0].object == expected


def test_findings_are_sorted_by_namespace_and_name() -> None:
    mixed = [finding("b"), finding("a"), finding("z", ""), finding("a", "batch")]
    names = [(each.metadata.namespace, each.metadata.name) for each in sort_findings(mixed)]
    assert names == [("", "z"), ("batch", "a"), ("shop", "a"), ("shop", "b")]
