"""Dashboards as plain pages for those who have no Grafana: the same definitions, the same SQL, drawn simply."""
