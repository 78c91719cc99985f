"""Web pages where operators and enterprises act, the public page and the public interface."""
