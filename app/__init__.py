"""Command line, settings, local services and jobs: the only room that knows all others."""
