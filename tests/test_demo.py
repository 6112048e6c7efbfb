"""The stage that the demo plays on."""

import io

import pytest

from kubediscovery.demo import Stage, bind_or_move
from kubediscovery.errors import StartupError
from kubediscovery.listener import bind
from kubediscovery.scene import CYCLE_STEPS
from kubediscovery.text import create_console
from tests.playing import API, NOW, played


def test_the_stage_shows_the_scene_step_by_step() -> None:
    stage = Stage(API, NOW)
    assert stage.compositions() == played(0)
    for step in range(1, CYCLE_STEPS * 2):
        list(stage.advance())
        assert stage.compositions() == played(step)


def test_a_change_is_said_in_one_line_and_only_a_change() -> None:
    stage = Stage(API, NOW)
    said = [list(stage.advance()) for _ in range(CYCLE_STEPS)]
    assert said[:4] == [
        ["web: 4 of 5 pods updated"],
        ["web: 6 pods, 5 of them updated: old ones are to go"],
        ["web: Healthy"],
        [],
    ]
    assert ["web: 1 of 5 pods updated"] in said


def test_a_port_that_is_taken() -> None:
    output = io.StringIO()
    console = create_console(output)
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartupError, match=f"cannot listen on 127.0.0.1:{port}"):
            bind_or_move(port, console, may_move=False)
        assert output.getvalue() == ""
        with bind_or_move(port, console, may_move=True) as other:
            assert output.getvalue() == f"port {port} is taken: {other.getsockname()[1]} is used instead\n\n"
