"""One module per command of `lantian`; each defines `command`."""
