"""Bringing a database to this version: schema, reference tables, the county's data set."""

from __future__ import annotations

from app.service.address import database_url
from app.service.progress import Reporter
from app.settings import Settings
from domain.alert import shipped_rules
from domain.county import load_county as load_data_set
from domain.error import ServiceError
from store.alert_rule import load_rules
from store.compression import apply
from store.connection import connect
from store.error import translated
from store.migration import check_schema as check_version
from store.migration import migrate
from store.reference import load_reference
from store.registry import load_county


def prepare_database(settings: Settings, reporter: Reporter) -> list[str]:
    """Apply outstanding migrations and load reference tables and the county; harmless when nothing is outstanding.

    Parameters
    ----------
    settings : Settings
        Which database and which county.
    reporter : Reporter
        Told the steps.

    Returns
    -------
    list of str
        Migrations that were applied.
    """
    county = load_data_set(settings.county)
    url = database_url(settings, "lantian_owner")
    reporter.step("Bringing the database to this version")
    applied = migrate(url)
    days = settings.compression_days()
    with translated("set up compression"), connect(url, application_name="lantian migrate") as connection:
        apply(connection, days)
    reporter.step(f"Loading the standards' tables and the county {county.name_zh}")
    with translated("load reference tables and county"), connect(url, application_name="lantian migrate") as connection:
        load_reference(connection)
        load_county(connection, county)
        load_rules(connection, shipped_rules())
    return applied


def check_schema(settings: Settings) -> None:
    """Check that the database's schema is that of this version, before a process begins its work.

    A database that cannot be reached now is not judged: the process waits for it as for any that is away.

    Parameters
    ----------
    settings : Settings
        Which database.

    Raises
    ------
    MigrationError
        When the schema is older or newer; the text names both.
    """
    try:
        with (
            connect(database_url(settings), application_name="lantian start", connect_timeout_s=3) as conn,
            translated("read the schema's version"),
        ):
            check_version(conn)
    except ServiceError:
        return
