"""A real Kubernetes control plane on this machine, and a fake one with a server over it, for tests and development.

Nothing of it is part of the server.
"""
