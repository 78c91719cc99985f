"""`lantian dashboards`: render the dashboards, and keep a running Grafana equal to them."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import click

from app.preview.page import preview_page
from app.service.address import database_url
from app.service.console_check import console_address
from app.settings import load_settings
from dashboards.dashboard import CONSOLE, Dashboard, document_text
from dashboards.grafana import SSL_MODES, Change, Grafana, data_source, open_grafana
from dashboards.render import DASHBOARDS, RENDERED, dashboard_named, stale_files, write_rendered
from domain.error import ConfigurationError
from store.connection import connect

_EPILOG = "Token: LANTIAN_GRAFANA_TOKEN, or a file of mode 600 that LANTIAN_GRAFANA_TOKEN_FILE names."
_URL = click.option("--url", help="Address of Grafana, e.g. http://localhost:3000 [setting grafana_url].")
_CONSOLE = click.option("--console-url", help="Address of the console for links [setting console_public_url].")
_UIDS = click.argument("uids", nargs=-1)


@click.group("dashboards")
def command() -> None:
    """Grafana dashboards as code: list, render, push, diff, pull.

    Needs Grafana 9.4 or later and the token of a service account with the role Admin (it may write data sources).
    """


@command.command("list")
def list_dashboards() -> None:
    """Dashboards with their uid, title and number of panels."""
    for dashboard in DASHBOARDS:
        click.echo(f"{dashboard.uid}\t{dashboard.title}\t{len(dashboard.panels)} panels\t{dashboard.description}")


@command.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=RENDERED, help="Folder to write to.")
@click.option("--check", is_flag=True, help="Write nothing; exit status 1 when a file is not what would be written.")
@click.option("--console-url", default=CONSOLE, show_default=True, help="Address of the console for links.")
def render(out: Path, check: bool, console_url: str) -> None:
    """Write the dashboards' JSON files."""
    console_url = checked_address(console_url)
    if check:
        stale = stale_files(out, console_url)
        for path in stale:
            click.echo(f"{path}: not what this version renders; run: lantian dashboards render")
        sys.exit(1 if stale else 0)
    changed = write_rendered(out, console_url)
    for path in changed:
        click.echo(f"wrote {path}")
    if not changed:
        click.echo(f"{len(DASHBOARDS)} dashboards in {out} are current")


@command.command(epilog=_EPILOG)
@_URL
@click.option("--database-address", help="host:port of the database as Grafana's machine reaches it.")
@click.option("--sslmode", type=click.Choice(SSL_MODES), default="disable", show_default=True)
@click.option("--skip-source", is_flag=True, help="Leave Grafana's data sources alone.")
@_CONSOLE
@_UIDS
def push(  # noqa: PLR0913 - one per option
    url: str | None,
    database_address: str | None,
    sslmode: str,
    *,
    skip_source: bool,
    console_url: str | None,
    uids: tuple[str, ...],
) -> None:
    """Create or update the folder with its access, the data source and the dashboards (all, or those with the uids)."""
    chosen = _chosen(uids)
    with _grafana(url, console_url) as grafana:
        _report(grafana.push_folder())
        _report(grafana.push_access())
        if not skip_source:
            reader = database_url(load_settings(), "lantian_reader")
            _report(grafana.push_source(data_source(reader, ssl_mode=sslmode, address=database_address)))
        for dashboard in chosen:
            _report(grafana.push_dashboard(dashboard))
        for dashboard in chosen:
            click.echo(f"{dashboard.title}: {grafana.url}/d/{dashboard.uid}")
        fault = None if skip_source else grafana.source_fault()
    if fault is not None:
        click.echo(
            f"Grafana cannot use the data source: {fault}\n"
            "Where Grafana runs on another machine, name the database with --database-address.",
            err=True,
        )
        sys.exit(1)


@command.command(epilog=_EPILOG)
@_URL
@_CONSOLE
@_UIDS
def diff(url: str | None, console_url: str | None, uids: tuple[str, ...]) -> None:
    """Show how Grafana's dashboards differ from this version's; exit status 1 when they do."""
    chosen = _chosen(uids)
    with _grafana(url, console_url) as grafana:
        differences = [grafana.difference(dashboard) for dashboard in chosen]
    for lines in differences:
        for line in lines:
            click.echo(line)
    sys.exit(1 if any(differences) else 0)


@command.command(epilog=_EPILOG)
@_URL
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write to.")
@_UIDS
def pull(url: str | None, out: Path, uids: tuple[str, ...]) -> None:
    """Save Grafana's dashboards as files, to see what was changed there; the definitions here stay as they are."""
    chosen = _chosen(uids)
    out.mkdir(parents=True, exist_ok=True)
    with _grafana(url) as grafana:
        for dashboard in chosen:
            found = grafana.stored(dashboard)
            if found is None:
                click.echo(f"{dashboard.title} ({dashboard.uid}): not in Grafana")
                continue
            path = out / f"{dashboard.uid}.json"
            path.write_text(document_text(found[0]), encoding="utf-8")
            click.echo(f"wrote {path}")


@command.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("preview"), show_default=True)
@_UIDS
def preview(out: Path, uids: tuple[str, ...]) -> None:
    """Draw the dashboards plainly as HTML files, for those without Grafana."""
    reader = database_url(load_settings(), "lantian_reader")
    now = dt.datetime.now(dt.UTC)
    out.mkdir(parents=True, exist_ok=True)
    with connect(reader, autocommit=True, application_name="lantian dashboards preview") as conn:
        for dashboard in _chosen(uids):
            path = out / f"{dashboard.uid}.html"
            path.write_text(preview_page(conn, dashboard, now), encoding="utf-8")
            click.echo(f"wrote {path}")


def _chosen(uids: tuple[str, ...]) -> tuple[Dashboard, ...]:
    return tuple(map(dashboard_named, uids)) or DASHBOARDS


def _report(change: Change) -> None:
    click.echo(f"{change.outcome}: {change.thing}")


def checked_address(url: str) -> str:
    """The console's address without a slash at the end; `ConfigurationError` when it is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ConfigurationError(f"console address {url!r}: expected http://HOST:PORT or https://HOST")
    return url.rstrip("/")


@contextmanager
def _grafana(url: str | None, console_url: str | None = None) -> Iterator[Grafana]:
    settings = load_settings()
    console = checked_address(console_url or console_address(settings))
    address, token = url or settings.grafana_url, settings.read_grafana_token()
    if not address:
        raise ConfigurationError("no address of Grafana; expected --url or the setting grafana_url")
    if not token:
        raise ConfigurationError(
            "no token for Grafana; expected LANTIAN_GRAFANA_TOKEN or the setting grafana_token_file"
        )
    with open_grafana(address, token, console) as grafana:
        yield grafana
