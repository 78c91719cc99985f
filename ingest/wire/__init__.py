"""Wire codecs: bytes of one message in, rows of one family out; one module per protocol."""
