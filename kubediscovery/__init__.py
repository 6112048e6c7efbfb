"""An aggregated Kubernetes API server that gives existing kinds the subresource ``compositions``."""

__version__ = "0.1.0"
