"""Subresources to start from, each a file of its own."""
