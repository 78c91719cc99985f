"""One thread for the sockets of thousands of MQTT clients: a selector instead of a thread each."""

from __future__ import annotations

import contextlib
import queue
import selectors
import socket
import threading
import time
from typing import Any, Final

import paho.mqtt.client as mqtt

#: New connections a second: a broker is not to be stormed.
CONNECTS_PER_S: Final = 400
RECONNECT_S: Final = 5.0
UPKEEP_S: Final = 2.0


class Pump:
    """Reads, writes and keeps alive every client that was added; connects again `RECONNECT_S` after a loss."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._woken.setblocking(False)
        # A full pipe wakes as well as an empty one; whoever publishes, the pump itself too, must not wait for it.
        self._wake.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._orders: queue.Queue[tuple[str, mqtt.Client]] = queue.Queue()
        self._clients: dict[mqtt.Client, float] = {}
        self._sockets: dict[mqtt.Client, Any] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulator-pump", daemon=True)
        self._thread.start()

    def add(self, client: mqtt.Client) -> None:
        """Drive `client`, whose address was given by `connect_async`."""
        # paho asks for writing from whatever thread publishes; the selector is this thread's alone.
        client.on_socket_register_write = lambda it, _data, _socket: self._order("write", it)
        self._order("add", client)

    def remove(self, client: mqtt.Client) -> None:
        """Let go of `client` after writing what it still has to say; returns when that is done."""
        end = time.monotonic() + 1.0
        while client.want_write() and time.monotonic() < end:
            time.sleep(0.005)
        self._order("remove", client)

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        self._order("stop", mqtt.Client)  # type: ignore[arg-type]
        self._thread.join(timeout=5.0)
        for end in (self._selector, self._wake, self._woken):
            end.close()

    def _order(self, what: str, client: mqtt.Client) -> None:
        self._orders.put((what, client))
        with contextlib.suppress(OSError):
            self._wake.send(b"x")

    def _run(self) -> None:
        upkeep = 0.0
        while not self._stop.is_set():
            for key, events in self._selector.select(0.1):
                client = key.data
                if client is None:
                    with contextlib.suppress(BlockingIOError):
                        self._woken.recv(65536)
                    continue
                if events & selectors.EVENT_READ:
                    client.loop_read()
                if events & selectors.EVENT_WRITE:
                    client.loop_write()
                self._watch(client)
            self._obey()
            now = time.monotonic()
            self._connect(now)
            if now >= upkeep:
                upkeep = now + UPKEEP_S
                for client in list(self._clients):
                    client.loop_misc()
                    self._watch(client)

    def _obey(self) -> None:
        while True:
            try:
                what, client = self._orders.get_nowait()
            except queue.Empty:
                return
            if what == "add":
                self._clients[client] = 0.0
            elif what == "remove":
                self._clients.pop(client, None)
                self._forget(client)
            elif what == "write" and client in self._clients:
                client.loop_write()
                self._watch(client)

    def _connect(self, now: float) -> None:
        """Connect some of the clients that are due."""
        most = max(1, CONNECTS_PER_S // 10)
        for client, due in list(self._clients.items()):
            if most == 0:
                return
            if client in self._sockets or due > now:
                continue
            most -= 1
            self._clients[client] = now + RECONNECT_S
            with contextlib.suppress(OSError):
                client.reconnect()
                self._watch(client)

    def _watch(self, client: mqtt.Client) -> None:
        """Bring the selector to what the client wants now."""
        sock = client.socket()
        if sock is not self._sockets.get(client):
            self._forget(client)
        if sock is None:
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.want_write() else 0)
        if client not in self._sockets:
            self._selector.register(sock, wanted, client)
            self._sockets[client] = sock
        elif self._selector.get_key(sock).events != wanted:
            self._selector.modify(sock, wanted, client)

    def _forget(self, client: mqtt.Client) -> None:
        """Take a socket out of the selector; a closed one is known by its place in the selector's map only."""
        sock = self._sockets.pop(client, None)
        if sock is None:
            return
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(sock)
