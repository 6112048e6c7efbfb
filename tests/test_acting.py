"""The options of requests that act, by the rules of k8s.io/apimachinery."""

import pytest

from kubediscovery.acting import Acting, FieldValidation, acting_options, is_dry_run, refuse_for_patch
from kubediscovery.errors import Invalid


def test_what_is_said_and_what_is_not() -> None:
    assert acting_options({}, "create") == Acting(False, "", FieldValidation.WARN, None)
    given = {"dryRun": "All", "fieldManager": "kubectl", "fieldValidation": "Strict", "force": "true", "other": "x"}
    assert acting_options(given, "patch") == Acting(True, "kubectl", FieldValidation.STRICT, True)
    assert acting_options(given, "update").force is None
    assert acting_options({"force": "false"}, "patch").force is False
    assert acting_options({"fieldValidation": ""}, "patch").validation is FieldValidation.WARN


@pytest.mark.parametrize(
    ("values", "verb", "message"),
    [
        (
            {"dryRun": "yes"},
            "create",
            'dryRun: Unsupported value: "yes": supported values: "All"',
        ),
        (
            {"fieldValidation": "strict"},
            "patch",
            'fieldValidation: Unsupported value: "strict": supported values: "Ignore", "Warn", "Strict"',
        ),
        (
            {"fieldManager": "ä" * 65},
            "update",
            "fieldManager: Too long: may not be more than 128 bytes",
        ),
        (
            {"fieldManager": "me\n", "dryRun": ""},
            "delete",
            "[fieldManager: Invalid value: the character at position 2 cannot be printed, dryRun: Unsupported value: ",
        ),
    ],
)
def test_every_option_that_cannot_be_used_is_named(values: dict[str, str], verb: str, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        acting_options(values, verb)
    assert str(refused.value).startswith(f'{verb.capitalize()}Options.meta.k8s.io "" is invalid: {message}')


def test_delete_options_have_a_list_of_dry_runs() -> None:
    assert [is_dry_run(given, "delete") for given in ([], ["All"], ["All", "All"])] == [False, True, True]
    with pytest.raises(Invalid, match="DeleteOptions"):
        is_dry_run(["All", "x" * 200], "delete")


def test_some_options_are_of_apply_patches() -> None:
    refuse_for_patch(Acting(field_manager="me", force=True), applies=True)
    refuse_for_patch(Acting(), applies=False)
    with pytest.raises(Invalid, match="fieldManager: Required value: is required for apply patch"):
        refuse_for_patch(Acting(), applies=True)
    with pytest.raises(Invalid, match="force: Forbidden: may not be specified for non-apply patch"):
        refuse_for_patch(Acting(force=False), applies=False)
