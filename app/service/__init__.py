"""Local services: PostgreSQL with TimescaleDB and Mosquitto on loopback, and where every process finds them."""
