"""Grafana dashboards as code, and what pushes them over Grafana's HTTP interface."""
