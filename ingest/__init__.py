"""The edge where readings come in: wire codecs and the MQTT collector."""
