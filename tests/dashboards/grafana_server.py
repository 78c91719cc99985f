"""A small server that keeps what the few Grafana endpoints of a push keep, on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "glsa_test"
Json = dict[str, Any]


@dataclass
class State:
    """What the server holds and has been asked."""

    version: str = "9.4.7"
    prefix: str = ""
    folders: dict[str, Json] = field(default_factory=dict)
    sources: dict[str, Json] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    dashboards: dict[str, Json] = field(default_factory=dict)
    #: Without a word of ours: what a folder made through the API begins with, and a team that people let in.
    access: list[Json] = field(
        default_factory=lambda: [
            {"role": "Viewer", "permission": 1, "inherited": False},
            {"role": "Editor", "permission": 4, "inherited": False},
            {"teamId": 5, "permission": 4, "inherited": False},
            {"role": "Admin", "permission": 4, "inherited": True},
        ]
    )
    writes: list[str] = field(default_factory=list)
    right_password: str = "secret"
    broken: bool = False

    def answer(self, method: str, path: str, body: Json) -> tuple[int, Any]:  # noqa: PLR0911, PLR0912
        """Status and document for one request."""
        if path == "/api/health":
            return 200, {"commit": "x", "database": "ok", "version": self.version}
        if self.broken:
            return 500, {"message": "database is locked"}
        if method != "GET":
            self.writes.append(f"{method} {path}")
        parts = path.removeprefix("/api/").split("/")
        match parts:
            case ["frontend", "settings"]:
                return 200, {"buildInfo": {"version": self.version or "11.2.0"}}
            case ["folders"]:
                self.folders[body["uid"]] = {"title": body["title"], "uid": body["uid"], "id": 7}
                return 200, self.folders[body["uid"]]
            case ["folders", uid, "permissions"]:
                if method == "POST":
                    self.access = body["items"]
                    return 200, {"message": "Folder permissions updated"}
                return 200, self.access
            case ["folders", uid]:
                if method == "PUT":
                    self.folders[uid]["title"] = body["title"]
                return self._found(self.folders, uid)
            case ["datasources"]:
                return self._write_source(body)
            case ["datasources", "uid", uid, "health"]:
                right = self.passwords.get(uid) == self.right_password
                return (200, {"status": "OK"}) if right else (400, {"status": "ERROR", "message": "password failed"})
            case ["datasources", "uid", uid]:
                return self._write_source(body) if method == "PUT" else self._found(self.sources, uid)
            case ["dashboards", "db"]:
                return self._write_dashboard(body)
            case ["dashboards", "uid", uid]:
                return self._found(self.dashboards, uid)
        return 404, {"message": "Not found"}

    @staticmethod
    def _found(things: dict[str, Json], uid: str) -> tuple[int, Json]:
        return (200, things[uid]) if uid in things else (404, {"message": "not found"})

    def _write_source(self, body: Json) -> tuple[int, Json]:
        self.passwords[body["uid"]] = body["secureJsonData"]["password"]
        kept = {key: value for key, value in body.items() if key != "secureJsonData"}
        version = self.sources.get(body["uid"], {}).get("version", 0) + 1
        self.sources[body["uid"]] = {**kept, "id": 3, "version": version, "secureJsonFields": {"password": True}}
        return 200, {"datasource": self.sources[body["uid"]], "message": "Datasource saved"}

    def _write_dashboard(self, body: Json) -> tuple[int, Json]:
        uid = body["dashboard"]["uid"]
        if body["folderUid"] not in self.folders:
            return 404, {"message": "folder not found"}
        version = self.dashboards.get(uid, {"dashboard": {"version": 0}})["dashboard"]["version"] + 1
        stored = {**body["dashboard"], "id": 11, "version": version}
        self.dashboards[uid] = {"dashboard": stored, "meta": {"folderUid": body["folderUid"], "provisioned": False}}
        return 200, {"status": "success", "uid": uid, "version": version}


@contextmanager
def grafana_server(state: State) -> Iterator[str]:
    """The address of a running server with `state`; requests without the token are refused."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _reply(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            path = self.path.split("?")[0]
            if not path.startswith(f"{state.prefix}/api/"):
                self._send(200, b"<html>another service</html>", "application/json")
                return
            path = path.removeprefix(state.prefix)
            if path != "/api/health" and self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self._send(401, b'{"message": "Invalid API key"}', "application/json")
                return
            status, document = state.answer(self.command, path, json.loads(raw or b"{}"))
            self._send(status, json.dumps(document).encode(), "application/json")

        def _send(self, status: int, content: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _reply  # noqa: N815 - names that the class asks for

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{state.prefix}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
