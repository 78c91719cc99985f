"""HJ 212 over TCP: loggers connect, their frames go to the broker, the platform's answers come back."""
