"""What is read in threads, by several that are all the first to: msgspec makes of a struct what it needs only then."""

import subprocess
import sys

import pytest

# A list, an object, an entry of an audit log, and a document of OpenAPI; in a process of its own, which may crash.
_READ = {
    "recording": 'recording._LIST.decode(b\'{"items":[{}],"metadata":{"continue":"a"}}\')',
    "sightings": 'sightings.glimpse(b\'{"metadata":{"uid":"u","managedFields":[{"manager":"a"}]}}\')',
    "audit_trail": 'audit_trail._EVENT.decode(b\'{"verb":"get","objectRef":{"name":"a"}}\')',
    "kind_schemas": 'kind_schemas._decoded(b\'{"components":{"schemas":{"a":{}}}}\', kind_schemas._DOCUMENT)',
}
_PROGRAM = """
import sys, threading
from kubediscovery import {module}
sys.setswitchinterval(1e-6)
together = threading.Barrier(8)
def read():
    together.wait()
    {read}
threads = [threading.Thread(target=read) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


@pytest.mark.parametrize("module", _READ)
@pytest.mark.parametrize("time", range(3))
def test_a_document_is_read_first_by_several_threads_at_once(module: str, time: int) -> None:
    """Each time is another throw of the dice: what was made too late crashed in every other."""
    program = _PROGRAM.format(module=module, read=_READ[module])
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
