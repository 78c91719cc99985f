"""Simulated field devices with encoders of their own; they share nothing with the collector but the wire."""
