"""The console's first account, so that somebody can sign in: its password waits in a file until it is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from app.service.address import database_url
from app.service.unprivileged import write_file
from app.settings import Settings
from console.password import generated_password, hashed_password
from store.account import NewAccount, add_account, read_accounts
from store.audit import Deed, add_deed
from store.connection import connect
from store.error import translated

FIRST: Final = "admin"


def first_password_file(settings: Settings) -> Path:
    """The file of mode 600 that holds the first password until it is changed."""
    return settings.home / "console-first-password"


def ensure_first_account(settings: Settings) -> bool:
    """Make the administrator `FIRST` when there is no account at all; whether one was made.

    Parameters
    ----------
    settings : Settings
        Which database, and the home folder for the password.

    Returns
    -------
    bool
        The password must be changed at the first sign-in, which removes the file.
    """
    path = first_password_file(settings)
    with (
        translated("make the first account"),
        connect(database_url(settings), application_name="lantian account") as conn,
    ):
        # Two programs that start together wait here for each other.
        conn.execute("select pg_advisory_xact_lock(4226002)")
        if read_accounts(conn):
            return False
        password = generated_password()
        hashed = hashed_password(password)
        add_account(conn, NewAccount(FIRST, "系统管理员", "administrator", None, hashed, "lantian up"))
        add_deed(conn, Deed("account.add", object=f"account/{FIRST}", detail={"role": "administrator"}))
        settings.home.mkdir(parents=True, exist_ok=True)
        write_file(path, password + "\n")
    return True


def read_first_password(settings: Settings) -> str | None:
    """The first password while nobody has changed it; None afterwards."""
    path = first_password_file(settings)
    return path.read_text(encoding="utf-8").strip() if path.exists() else None
