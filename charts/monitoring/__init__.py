"""Dashboards and alerts, written in Python and checked in as what Grafana and Prometheus read.

``python -m charts.monitoring`` (``make dashboards``) writes ``charts/clt/dashboards/*.json`` and
``charts/clt/rules/clt.yaml``. Every query names its series through ``clt_operator.api.telemetry``,
so that a series which is renamed or dropped cannot stay behind in a panel.
"""
