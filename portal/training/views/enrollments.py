"""Pages on which people get into sections, take what is kept for them, and step out again."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date, ngettext
from flask_babel import gettext as _

from portal.bookings.rules.telling import write_list
from portal.kernel.authorization import authorize, can
from portal.kernel.clock import today_here
from portal.kernel.errors import Conflict
from portal.kernel.web.addresses import local_target
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import confirmed, form_text, text_argument
from portal.kernel.web.formats import format_money
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import get_visible_organization
from portal.training.forms.enrollments import EnrollForm, EnrollOthersForm, MoveForm, StepForm
from portal.training.policies import Permission
from portal.training.queries import enrollments as queries
from portal.training.queries import panels
from portal.training.queries.certificates import list_of_enrollment, state_today
from portal.training.queries.holding import kept_until
from portal.training.queries.sections import get_section, get_visible_section, list_siblings
from portal.training.rules.certificates import CERTIFICATE_STATES, CERTIFICATE_TONES
from portal.training.rules.enrollments import (
    ENROLLMENT_STATUSES,
    ENROLLMENT_TONES,
    ENROLLMENTS,
    HISTORY_WORDS,
    KEPT_STATUSES,
    TAKING_PART,
    last_free_day,
)
from portal.training.services import enrollments as services
from portal.training.views.blueprint import blueprint
from portal.training.views.sections import when_it_meets

_WORDS: dict[str, Any] = {"statuses": ENROLLMENT_STATUSES, "tones": ENROLLMENT_TONES}


# Getting in


@blueprint.route("/training/sections/<int:section_id>/enroll", methods=["GET", "POST"])
def enroll(section_id: int) -> ResponseReturnValue:
    """Enroll oneself, or get in line."""
    actor = current_actor()
    section = get_visible_section(actor, section_id)
    authorize(actor, Permission.ENROLLMENT_ENROLL, section)
    prices = panels.list_prices(actor, section)
    form = EnrollForm.bind()
    form.organization_id.choices = [
        (offer.organization.id, offer.organization.name) for offer in prices if offer.organization
    ]
    if form.submitted():
        row = form.attempt(
            services.enroll,
            actor,
            section,
            for_organization=_firm(actor, form.organization_id.data),
        )
        if row is not None:
            flash(_said(row))
            return _to(row)
        section = get_section(section_id)
    return page(
        "training/enroll.html",
        form=form,
        section=section,
        panel=_panel(actor, section),
        prices=prices,
        **when_it_meets(section),
    )


@blueprint.route("/training/sections/<int:section_id>/enroll-others", methods=["GET", "POST"])
def enroll_others(section_id: int) -> ResponseReturnValue:
    """Keep seats for people of a firm, by their addresses."""
    actor = current_actor()
    section = get_visible_section(actor, section_id)
    authorize(actor, Permission.ENROLLMENT_ENROLL_OTHERS, section)
    prices = [offer for offer in panels.list_prices(actor, section) if offer.organization]
    only = prices[0].organization if len(prices) == 1 else None
    form = EnrollOthersForm.bind(organization_id=only.id if only else None)
    form.organization_id.choices = [
        (offer.organization.id, offer.organization.name) for offer in prices if offer.organization
    ]
    if form.submitted():
        firm = _firm(actor, form.organization_id.data)
        if firm is None:
            form.add_error("organization_id", _("Please choose an organization that you manage."))
        else:
            known, new = queries.sort_out_known(section, firm, form.emails.data)
            cents = next(offer.cents for offer in prices if offer.organization == firm)
            if cents and new and not confirmed():
                return _ask_about_price(section, firm, cents, known, new)
            made = form.attempt(
                services.enroll_others,
                actor,
                section,
                organization=firm,
                emails=form.emails.data,
            )
            if made is not None:
                flash(" ".join([_told(made), *_owed_words(made), *_known_words(known)]))
                return see_other(url_for("training.list_of_firm", organization_id=firm.id))
        section = get_section(section_id)
    return page(
        "training/enroll_others.html",
        form=form,
        section=section,
        panel=_panel(actor, section),
        kept_until=kept_until(section, "invited"),
        prices=prices,
        **when_it_meets(section),
    )


def _ask_about_price(
    section: Any, firm: Any, cents: int, known: list[str], new: list[str]
) -> ResponseReturnValue:
    """Say what so many seats come to, before anything is kept."""
    free = min(len(new), queries.seats_for(section, firm.id))
    lines = [
        _(
            "%(times)s, owed by %(firm)s for those who take part.",
            times=_times(len(new), cents),
            firm=firm.name,
        ),
        _(
            "Whoever withdraws until %(day)s owes nothing.",
            day=format_date(last_free_day(section.starts_on, section.notice_days)),
        ),
    ]
    if free < len(new):
        lines.append(
            ngettext(
                "%(num)d seat is free; the others wait in line, in your order.",
                "%(num)d seats are free; the others wait in line, in your order.",
                free,
            )
        )
    return page(
        "components/confirm.html",
        title=ngettext(
            "Keep %(num)d seat in “%(title)s”?",
            "Keep %(num)d seats in “%(title)s”?",
            len(new),
            title=section.program.title,
        ),
        text=" ".join([*lines, *_known_words(known)]),
        items=new,
        action=_("Keep seats and invite"),
        is_main=True,
        cancel_url=url_for("training.show_section", section_id=section.id),
    )


def _times(count: int, cents: int) -> str:
    """Write what so many seats come to: "3 × $450 = $1,350"."""
    return f"{count} × {format_money(cents)} = {format_money(count * cents)}"


def _owed_words(made: list[Any]) -> list[str]:
    cents = made[0].price_cents
    if not cents:
        return []
    return [_("%(times)s if all of them take part.", times=_times(len(made), cents))]


def _known_words(known: list[str]) -> list[str]:
    if not known:
        return []
    return [_("Invited before, and left as they are: %(emails)s.", emails=write_list(known))]


def _panel(actor: Any, section: Any) -> Any:
    panel = panels.enroll_panel(actor, section)
    if panel is None:
        raise Conflict(_("Nobody can enroll in this section any more, or not yet."))
    return panel


def _firm(actor: Any, organization_id: int | None) -> Any:
    return next((one for one in queries.list_managed(actor) if one.id == organization_id), None)


def _said(row: Any) -> str:
    title = row.section.program.title
    if row.status == "waiting":
        return _("You are on the waiting list of “%(title)s”.", title=title)
    if row.status == "requested":
        return _("You asked for a seat in “%(title)s”. The provider decides.", title=title)
    return _("You are enrolled in “%(title)s”.", title=title)


def _told(made: list[Any]) -> str:
    seated = sum(row.status == "invited" for row in made)
    waiting = len(made) - seated
    said = ngettext(
        "%(num)d seat is kept; an invitation is on its way.",
        "%(num)d seats are kept; invitations are on their way.",
        seated,
    )
    if waiting:
        said += " " + ngettext(
            "%(num)d person is on the waiting list.",
            "%(num)d people are on the waiting list.",
            waiting,
        )
    return said


def _to(row: Any) -> Any:
    return see_other(url_for("training.show_enrollment", enrollment_id=row.id))


# Lists


@blueprint.get("/training/enrollments")
def list_enrollments() -> ResponseReturnValue:
    """Show the reader's own training: what is to come, what is kept, what is over."""
    actor = current_actor()
    authorize(actor, Permission.ENROLLMENT_VIEW_OWN)
    found = queries.list_own(actor, cursor=text_argument("cursor", 500) or None)
    return page(
        "training/own.html",
        kept=queries.list_kept(actor),
        written=queries.list_written_down(actor),
        rows=found.items,
        firms=queries.list_managed(actor),
        next_url=(url_for("training.list_enrollments", cursor=found.next) if found.next else None),
        **_WORDS,
    )


@blueprint.get("/organizations/<int:organization_id>/training")
def list_of_firm(organization_id: int) -> ResponseReturnValue:
    """Show whom a firm sends to training, to its owners and managers."""
    actor = current_actor()
    organization = get_visible_organization(actor, organization_id)
    authorize(actor, Permission.ENROLLMENT_VIEW_OF_FIRM, organization)
    found = queries.list_of_firm(organization, cursor=text_argument("cursor", 500) or None)
    return page(
        "training/firm.html",
        organization=organization,
        rows=found.items,
        next_url=(
            url_for("training.list_of_firm", organization_id=organization_id, cursor=found.next)
            if found.next
            else None
        ),
        **_WORDS,
    )


# One enrollment


@blueprint.get("/training/enrollments/<int:enrollment_id>")
def show_enrollment(enrollment_id: int) -> ResponseReturnValue:
    """Show an enrollment with what can be done about it, and its history."""
    actor = current_actor()
    authorize(actor, Permission.ENROLLMENT_VIEW_OWN)
    return _enrollment_page(queries.get_visible_enrollment(actor, enrollment_id))


@blueprint.get("/training/seats/<token>")
def show_seat_link(token: str) -> ResponseReturnValue:
    """Show the seat that a link is about; whoever is not signed in is led there and back."""
    return _seat_page(queries.get_enrollment_by_token(token), token)


@blueprint.post("/training/seats/<token>")
def answer_seat_link(token: str) -> ResponseReturnValue:
    """Take a kept seat by its link or turn it down; keep what the provider wrote down, or not."""
    actor = current_actor()
    authorize(actor, Permission.ENROLLMENT_VIEW_OWN)
    return _answer(actor, queries.get_enrollment_by_token(token), token)


@blueprint.post("/training/enrollments/<int:enrollment_id>/answer")
def answer_enrollment(enrollment_id: int) -> ResponseReturnValue:
    """Take or leave what is kept or was written down for the reader, who is signed in."""
    actor = current_actor()
    authorize(actor, Permission.ENROLLMENT_VIEW_OWN)
    return _answer(actor, queries.get_visible_enrollment(actor, enrollment_id), "")


def _answer(actor: Any, row: Any, token: str) -> ResponseReturnValue:
    action = form_text("action")
    step = ENROLLMENTS.transitions["object"]
    if action == step.action and not confirmed():
        return page(
            "components/confirm.html",
            title=step.confirm,
            text=_late_words(row),
            action=step.label,
            cancel_url=request.path.removesuffix("/answer"),
        )
    own = queries.find_own_beside(actor, row) if action == "accept" else None
    services.answer_enrollment(actor, row, action, token=token)
    if action in ("turn_down", "object"):
        flash(_("You turned the seat down.") if action == "turn_down" else str(step.done))
        return see_other(url_for("training.list_enrollments"))
    row = queries.get_enrollment(row.id)
    given_up = _("What you asked for yourself was withdrawn; nothing is owed for it.")
    flash(" ".join([_said(row), *([given_up] if own is not None else [])]))
    return _to(row)


@blueprint.post("/training/enrollments/<int:enrollment_id>/actions/<action>")
def act_on_enrollment(enrollment_id: int, action: str) -> ResponseReturnValue:
    """Take a step of the workflow of enrollments."""
    actor = current_actor()
    row = queries.get_visible_enrollment(actor, enrollment_id)
    authorize(actor, ENROLLMENTS.permission(action), row)
    step = ENROLLMENTS.transitions[action]
    form = StepForm.bind()
    late = _late_words(row) if action == "withdraw" else ""
    if step.confirm and not confirmed():
        return page(
            "components/confirm.html",
            title=step.confirm,
            text=late,
            action=step.label,
            cancel_url=url_for("training.show_enrollment", enrollment_id=enrollment_id),
        )
    if form.submitted():
        done = form.attempt(services.act_on_enrollment, actor, row, action, note=form.note.data)
        if done is not None:
            flash(str(step.done))
            here = url_for("training.show_enrollment", enrollment_id=enrollment_id)
            return see_other(local_target(request.form.get("next"), here))
    row = queries.get_visible_enrollment(actor, enrollment_id)
    return page("training/step.html", form=form, row=row, section=row.section, step=step)


@blueprint.route("/training/enrollments/<int:enrollment_id>/move", methods=["GET", "POST"])
def move_enrollment(enrollment_id: int) -> ResponseReturnValue:
    """Move somebody to another section of the program."""
    actor = current_actor()
    row = queries.get_visible_enrollment(actor, enrollment_id)
    authorize(actor, Permission.ENROLLMENT_DECIDE, row)
    siblings = list_siblings(row.section)
    form = MoveForm.bind()
    if form.submitted():
        there = next((one for one in siblings if one.id == form.section_id.data), None)
        if there is None:
            form.add_error("section_id", _("Please choose a section of the same program."))
        elif (
            form.attempt(
                services.move_enrollment,
                actor,
                (row.section, there),
                enrollment=row,
                reason=form.reason.data,
            )
            is not None
        ):
            flash(_("%(name)s was moved.", name=row.name or row.email))
            return _to(row)
        row = queries.get_enrollment(enrollment_id)
        siblings = list_siblings(row.section)
    return page(
        "training/move_enrollment.html",
        form=form,
        row=row,
        siblings=siblings,
        seats=queries.load_seats([one.id for one in siblings]),
    )


def _enrollment_page(row: Any) -> ResponseReturnValue:
    actor = current_actor()
    printed = [
        one for one in list_of_enrollment(row.id) if can(actor, Permission.CERTIFICATE_VIEW, one)
    ]
    came_to, of_meetings = queries.attended(row)
    return page(
        "training/enrollment.html",
        row=row,
        section=row.section,
        is_kept=row.status in KEPT_STATUSES,
        is_asked=panels.is_mine(actor, row)
        and (row.status in KEPT_STATUSES or (row.user_id is None and row.status in TAKING_PART)),
        own=queries.find_own_beside(actor, row),
        position=queries.position_of(row) if row.status == "waiting" else 0,
        steps=ENROLLMENTS.available(actor, row),
        late=_late_words(row) if can(actor, Permission.ENROLLMENT_WITHDRAW, row) else "",
        sees_grade=queries.sees_grade(actor, row),
        can_move=(
            row.status in ENROLLMENTS.transitions["move"].sources
            and can(actor, Permission.ENROLLMENT_DECIDE, row)
        ),
        **when_it_meets(row.section),
        came_to=came_to,
        of_meetings=of_meetings,
        certificates=[(one, state_today(one)) for one in printed],
        certificate_states=CERTIFICATE_STATES,
        certificate_tones=CERTIFICATE_TONES,
        history=ENROLLMENTS.history(row),
        history_words=HISTORY_WORDS,
        sees_link=_sees_link(actor, row),
        **_WORDS,
    )


def _sees_link(actor: Any, row: Any) -> bool:
    """Tell whether the reader takes part, so that the address of the meetings is for them."""
    return row.takes_part and row.user_id == actor.user_id


def _late_words(row: Any) -> str:
    """Return what withdrawing costs now, as a sentence; "" where it costs nothing."""
    if row.status != "enrolled" or today_here() <= row.free_until or not row.price_cents:
        return ""
    return _("The days in which withdrawing was free are over: the price is owed all the same.")


def _seat_page(row: Any, token: str) -> ResponseReturnValue:
    actor = current_actor()
    if row.status not in (*KEPT_STATUSES, *TAKING_PART):
        raise Conflict(_("This seat is not kept for you any more."))
    return page(
        "training/seat.html",
        row=row,
        section=row.section,
        token=token,
        **when_it_meets(row.section),
        is_kept=row.status in KEPT_STATUSES,
        is_late=row.status in KEPT_STATUSES and queries.is_lapsing(row),
        is_signed_in=actor.user_id is not None,
        own=queries.find_own_beside(actor, row) if actor.user_id is not None else None,
    )
