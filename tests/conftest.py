"""What holds for all tests: hypothesis never fails for being slow, which machines differ in."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["kubediscovery.testing.plugin"]

settings.register_profile("kubediscovery", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kubediscovery")
