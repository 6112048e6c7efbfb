"""What the commands are told: every fault is found at once, in one line each."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.config import LoadOptions, ServeOptions, default_kubeconfig, parse_duration
from kubediscovery.errors import ConfigurationError

GOOD = ServeOptions(cert_dir=Path("certs"))


def faults(options: ServeOptions) -> list[str]:
    try:
        options.validate()
    except ConfigurationError as error:
        return str(error).splitlines()
    return []


@pytest.mark.parametrize(
    "options",
    [
        GOOD,
        ServeOptions(certificate=Path("a"), key=Path("b")),
        ServeOptions(certificate=Path("a"), key=Path("b"), cert_dir=Path("c")),
        ServeOptions(snapshot=Path("dump"), bind_address="127.0.0.1"),
        ServeOptions(snapshot=Path("dump"), bind_address="::1"),
        replace(GOOD, bind_address="::", secure_port=0),
        replace(GOOD, secure_port=65535),
        replace(GOOD, api_group="a.b"),
        replace(GOOD, manage_apiservice=True, name="images", namespace="kube-system"),
        replace(GOOD, load=LoadOptions(0, 0, 0.5, "-", 0, 0, 0)),
    ],
)
def test_what_can_be_used_has_no_fault(options: ServeOptions) -> None:
    assert faults(options) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (replace(GOOD, bind_address="localhost"), ["--bind-address", "IP address", '"localhost"']),
        (replace(GOOD, bind_address=""), ["--bind-address"]),
        (replace(GOOD, bind_address="10.0.0.256"), ["--bind-address"]),
        (replace(GOOD, secure_port=65536), ["--secure-port", "0 to 65535", "65536"]),
        (replace(GOOD, secure_port=-1), ["--secure-port", "-1"]),
        (ServeOptions(), ["--tls-cert-file", "--tls-private-key-file", "--cert-dir", "kubediscovery install"]),
        (ServeOptions(certificate=Path("a")), ["--tls-cert-file and --tls-private-key-file go together"]),
        (ServeOptions(key=Path("a"), cert_dir=Path("b")), ["go together"]),
        (replace(GOOD, api_group="apps"), ["--api-group", "dot", '"apps"']),
        (replace(GOOD, api_group=""), ["--api-group"]),
        (replace(GOOD, api_group="a..b"), ["--api-group"]),
        (replace(GOOD, api_group="A.b"), ["--api-group"]),
        (replace(GOOD, api_group="a.b/c"), ["--api-group"]),
        (replace(GOOD, api_group="a.b\n"), ["--api-group"]),
        (replace(GOOD, api_group="a.-b"), ["--api-group"]),
        (replace(GOOD, api_group="a." + "b" * 252), ["--api-group"]),
        (replace(GOOD, namespace="Not_OK"), ["--namespace", '"Not_OK"']),
        (replace(GOOD, name="No"), ["--name", "DNS label", '"No"']),
        (replace(GOOD, namespace="n" * 64), ["--namespace"]),
        (
            ServeOptions(snapshot=Path("dump"), bind_address="::1", manage_apiservice=True),
            ["--snapshot goes without", "--manage-apiservice"],
        ),
        (ServeOptions(snapshot=Path("dump")), ["--snapshot", "loopback", "not on 0.0."]),
        (ServeOptions(snapshot=Path("dump"), bind_address="::1", cert_dir=Path("d")), ["--snapshot goes without"]),
        (ServeOptions(snapshot=Path("dump"), bind_address="::1", kubeconfig="k"), ["--snapshot goes without"]),
        (ServeOptions(snapshot=Path("dump"), bind_address="192.0.2.1"), ["without authentication", "192.0.2.1"]),
    ],
)
def test_a_fault_names_the_flag_and_what_is_accepted(options: ServeOptions, words: list[str]) -> None:
    found = faults(options)
    assert [word for word in words if word not in found[0]] == []


@pytest.mark.parametrize(
    ("load", "line"),
    [
        (LoadOptions(max_requests_inflight=-1), "--max-requests-inflight must be 0 or more, not -1"),
        (LoadOptions(max_watches=-5), "--max-watches must be 0 or more, not -5"),
        (LoadOptions(request_timeout=0), "--request-timeout must be more than 0"),
        (LoadOptions(audit_log_maxsize=-1), "--audit-log-maxsize must be 0 or more, not -1"),
        (LoadOptions(audit_log_maxbackup=-1), "--audit-log-maxbackup must be 0 or more, not -1"),
        (LoadOptions(audit_log_maxage=-1), "--audit-log-maxage must be 0 or more, not -1"),
    ],
)
def test_limits_that_cannot_be_used(load: LoadOptions, line: str) -> None:
    assert faults(replace(GOOD, load=load)) == [line]


def test_all_faults_are_told_at_once() -> None:
    found = faults(ServeOptions(secure_port=99999, api_group="apps"))
    assert [line.split()[0] for line in found] == ["--secure-port", "give", "--api-group"]


def test_files_win_over_the_directory() -> None:
    assert GOOD.key_pair == (Path("certs/tls.crt"), Path("certs/tls.key"))
    assert replace(GOOD, certificate=Path("a"), key=Path("b")).key_pair == (Path("a"), Path("b"))


def test_the_default_kubeconfig_is_kubectls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBECONFIG", "a:b")
    assert default_kubeconfig() == "a:b"
    monkeypatch.setenv("KUBECONFIG", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_kubeconfig() == str(tmp_path / ".kube" / "config")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("500ms", 0.5),
        ("30s", 30),
        ("1.5s", 1.5),
        ("1m30s", 90),
        ("2h45m", 9900),
        ("1h1ms", 3600.001),
    ],
)
def test_durations_as_go_writes_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


NO_DURATIONS = ["5", "s", "5 s", " 5s", "5s ", "-5s", "5S", "5d", "5sm", "1.s", "1s2", "٣s", "1e3s", "nan", "inf", "00"]


@pytest.mark.parametrize("text", ["", *NO_DURATIONS, "9" * 400 + "s"])
def test_what_is_no_duration_is_quoted(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_duration(text)
    assert f'"{text}"' in str(caught.value)
    assert "1m30s" in str(caught.value)


@given(st.integers(0, 999), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_a_duration_is_the_sum_of_its_parts(hours: int, minutes: int, seconds: int, milliseconds: int) -> None:
    found = parse_duration(f"{hours}h{minutes}m{seconds}s{milliseconds}ms")
    assert found == pytest.approx(hours * 3600 + minutes * 60 + seconds + milliseconds / 1000)
