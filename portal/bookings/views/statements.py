"""Monthly statements: what others owe an organization for bookings, and what it owes them."""

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.bookings.policies import Permission
from portal.bookings.queries import charging as queries
from portal.bookings.queries.listings import zones_of
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.telling import write_month
from portal.bookings.rules.words import BOOKING_STATUSES
from portal.bookings.views.blueprint import blueprint
from portal.kernel.authorization import authorize
from portal.kernel.clock import today_here
from portal.kernel.spreadsheets import Cell, amount_number
from portal.kernel.web.answers import page, table_answer
from portal.kernel.web.arguments import month_argument
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import get_visible_organization


@blueprint.get("/organizations/<int:organization_id>/statement")
def show_statement(organization_id: int) -> ResponseReturnValue:
    """Show what others owe an organization for a month, or what it owes them."""
    actor = current_actor()
    organization = get_visible_organization(actor, organization_id)
    authorize(actor, Permission.STATEMENT_VIEW, organization)
    side, month = _asked()
    statements = queries.load_statements(
        organization, side=side, month=month, limit=queries.MOST_STATEMENT_ROWS
    )

    return page(
        "bookings/statement.html",
        organization=organization,
        side=side,
        month_name=write_month(month),
        statements=statements,
        is_cut=sum(len(one.rows) for one in statements) >= queries.MOST_STATEMENT_ROWS,
        total_cents=sum(one.total_cents for one in statements),
        statuses=BOOKING_STATUSES,
        **month_links(
            organization_id,
            ("bookings.show_statement", "bookings.export_statement"),
            {"host": _("You are paid"), "customer": _("You pay")},
            side=side,
            month=month,
            latest=today_here(),
        ),
    )


def month_links(
    organization_id: int,
    endpoints: tuple[str, str],
    sides: Mapping[str, str],
    *,
    side: str,
    month: dt.date,
    latest: dt.date,
) -> dict[str, Any]:
    """Return the links of `components/statement.html` where there are months.

    endpoints: of the page and of its file. sides: their labels. latest: when the last month is.
    """
    shown, exported = endpoints
    before = (month - dt.timedelta(days=1)).replace(day=1)
    after = (month + dt.timedelta(days=31)).replace(day=1)

    def address(endpoint: str = shown, **changes: str) -> str:
        values: dict[str, Any] = {"side": side, "month": f"{month:%Y-%m}", **changes}
        return url_for(endpoint, organization_id=organization_id, **values)

    return {
        "sides": [
            {"label": label, "url": address(side=name), "is_selected": name == side}
            for name, label in sides.items()
        ],
        "previous_url": address(month=f"{before:%Y-%m}"),
        "previous_name": write_month(before),
        "next_name": write_month(after),
        "next_url": address(month=f"{after:%Y-%m}") if after <= latest else None,
        "csv_url": address(exported, form="csv"),
        "xlsx_url": address(exported, form="xlsx"),
    }


@blueprint.get("/organizations/<int:organization_id>/statement.<any(csv, xlsx):form>")
def export_statement(organization_id: int, form: str) -> ResponseReturnValue:
    """Send a month's statement as a table, whole."""
    actor = current_actor()
    organization = get_visible_organization(actor, organization_id)
    authorize(actor, Permission.STATEMENT_VIEW, organization)
    side, month = _asked()
    rows = _cells(queries.load_statements(organization, side=side, month=month))
    name = f"statement-{organization_id}-{side}-{month:%Y-%m}"
    return table_answer(name, form, queries.STATEMENT_COLUMNS, rows)


def _cells(statements: list[queries.Statement]) -> Iterator[list[Cell]]:
    # By the clocks of the place, as the people who write an invoice know them.
    zones = zones_of(row.booking.resource for one in statements for row in one.rows)
    for statement in statements:
        for row in statement.rows:
            booking = row.booking
            minutes = int(Span(booking.starts_at, booking.ends_at).minutes)
            place = ZoneInfo(zones[booking.resource_id])
            yield [
                str(booking.id),
                statement.other.name,
                booking.resource.name,
                booking.starts_at.astimezone(place).isoformat(timespec="minutes"),
                booking.ends_at.astimezone(place).isoformat(timespec="minutes"),
                Decimal(f"{minutes / 60:.2f}"),
                Decimal(minutes),
                booking.user.name if booking.user else "",
                booking.purpose,
                booking.status,
                amount_number(row.amount_cents),
                "yes" if row.is_disputed else "",
            ]


def _asked() -> tuple[str, dt.date]:
    side = "customer" if request.args.get("side") == "customer" else "host"
    return side, month_argument()
