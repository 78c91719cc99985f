"""The pages, one module per subject, each with a `router`; a new subject is a module and a line here."""

from __future__ import annotations

from typing import Final

from console.page import (
    account,
    alert,
    alert_rule,
    answer,
    audit,
    contact,
    delivery,
    device,
    episode,
    interface,
    me,
    overview,
    own,
    reduction,
    register,
    register_edit,
    review,
    revision,
    session,
    target,
    warning,
)

#: Pages whose way is itself a secret that was sent to somebody: no session, no form secret of one.
LINK_ROUTERS: Final = (answer.router,)
PAGE_ROUTERS: Final = tuple(
    subject.router
    for subject in (
        *(
            session,
            overview,
            alert,
            alert_rule,
            contact,
            delivery,
            warning,
            episode,
            own,
            device,
            target,
            register,
            register_edit,
        ),
        *(reduction, review, revision, me, account, audit, interface),
    )
)
