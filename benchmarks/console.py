"""Time to the first byte of the console's pages: python benchmarks/console.py ADDRESS NAME (the password is asked)."""

from __future__ import annotations

import getpass
import re
import statistics
import sys
import time

import httpx

PAGES = ("/", "/alert", "/warning", "/reduction", "/device", "/device/pending", "/target", "/register", "/review",
         "/revision", "/account", "/audit", "/me")  # fmt: skip
TIMES = 12


def main() -> None:
    """Sign in, then open every page some times."""
    address, name = sys.argv[1:3]
    with httpx.Client(base_url=address, timeout=60) as client:
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get("/sign-in").text)
        assert found is not None
        form = {"csrf": found[1], "name": name, "password": getpass.getpass("password: ")}
        assert client.post("/sign-in", data=form).status_code == 303, "not signed in"
        for page in PAGES:
            took = []
            for _ in range(TIMES + 1):
                begun = time.perf_counter()
                with client.stream("GET", page) as answer:
                    took.append((time.perf_counter() - begun) * 1000)
                    size = len(answer.read())
            median, slowest = statistics.median(took[1:]), max(took[1:])
            print(f"{page:<18}{answer.status_code}{median:8.1f} ms median{slowest:8.1f} ms slowest{size:8,} bytes")


if __name__ == "__main__":
    main()
