"""Kubernetes at the edge: requests, list and watch, leases, events; plain dicts throughout."""
