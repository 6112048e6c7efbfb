"""``python -m kubediscovery``."""

from kubediscovery.cli import main

main()
