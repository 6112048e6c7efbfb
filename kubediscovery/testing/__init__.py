"""A real Kubernetes control plane on this machine, for development, tests and benchmarks. Not part of the server."""
