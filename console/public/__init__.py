"""Public disclosure without signing in: pages, JSON, CSV, SensorThings; a process of its own that only reads."""
