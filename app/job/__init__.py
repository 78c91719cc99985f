"""Scheduled work: read arrays, call pure functions, write rows. Only `lantian` commands read the clock."""
