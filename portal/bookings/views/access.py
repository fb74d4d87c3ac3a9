"""Pages of what opens gates: what a host granted and has on file, one's own, and asking."""

from collections.abc import Mapping
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice

from portal.bookings.forms.access import (
    AskForm,
    ClearanceForm,
    GrantForm,
    RecognitionForm,
    TermsForm,
    ValidityForm,
)
from portal.bookings.policies import Permission
from portal.bookings.queries import asking, grants, ledger, recognitions
from portal.bookings.rules.access import lapses_first
from portal.bookings.rules.words import (
    ACCESS_KINDS,
    ACCESS_REQUESTS,
    CLEARANCE_KINDS,
    CLEARANCES,
    LEDGER_WORDS,
    QUALIFICATIONS,
    RECOGNITIONS,
)
from portal.bookings.services import access as services
from portal.bookings.views.blueprint import blueprint
from portal.facilities.queries.records import get_visible_equipment, get_visible_facility
from portal.kernel.authorization import authorize, can
from portal.kernel.clock import today_here
from portal.kernel.errors import NotFound
from portal.kernel.files import StoredFile, send_stored_file
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import choice_argument, form_text, number_argument
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import get_visible_organization, organization_choices

# The host


@blueprint.get("/organizations/<int:organization_id>/access")
def show_access(organization_id: int) -> ResponseReturnValue:
    """Show a host who asks, and whom it has qualified."""
    host = _host(organization_id)
    actor = current_actor()
    state = choice_argument("state", grants.STATES) or "valid"
    found = grants.list_qualifications(
        actor, host_id=host.id, state=state, cursor=request.args.get("cursor")
    )
    return page(
        "bookings/access/host.html",
        host=host,
        waiting=asking.list_access_requests(actor, host_id=host.id),
        rows=found.items,
        state=state,
        states=_state_links("bookings.show_access", host, state),
        next_url=_next_url("bookings.show_access", host, state, found.next),
        **_words(),
    )


@blueprint.get("/organizations/<int:organization_id>/access/clearances")
def show_clearances(organization_id: int) -> ResponseReturnValue:
    """Show a host the agreements, insurance certificates and inductions it has on file."""
    host = _host(organization_id)
    state = choice_argument("state", grants.STATES) or "valid"
    found = grants.list_clearances(
        current_actor(), host_id=host.id, state=state, cursor=request.args.get("cursor")
    )
    return page(
        "bookings/access/clearances.html",
        host=host,
        rows=found.items,
        state=state,
        states=_state_links("bookings.show_clearances", host, state),
        next_url=_next_url("bookings.show_clearances", host, state, found.next),
        **_words(),
    )


@blueprint.get("/organizations/<int:organization_id>/access/ledger")
def show_access_ledger(organization_id: int) -> ResponseReturnValue:
    """Show a host who granted, renewed, recognized and revoked what, and why."""
    host = _host(organization_id)
    found = ledger.list_ledger(host, cursor=request.args.get("cursor"))
    return page(
        "bookings/access/ledger.html",
        host=host,
        entries=found.items,
        actions=LEDGER_WORDS,
        next_url=_next_url("bookings.show_access_ledger", host, "", found.next),
    )


@blueprint.route("/organizations/<int:organization_id>/access/grant", methods=["GET", "POST"])
def grant_qualification(organization_id: int) -> ResponseReturnValue:
    """Grant a qualification, perhaps as somebody asked for it (`request`)."""
    host = _host(organization_id)
    asked = _asked(host)
    form = GrantForm.bind(**_prefilled(asked))
    _offer_people(form, host, asked)
    form.equipment_id.choices = grants.list_equipment_choices(host.id)
    form.recognition_id.choices = recognitions.list_credential_choices(host.id)
    if form.submitted():
        row = form.attempt(services.grant_qualification, current_actor(), host, **form.data)
        if row is not None:
            flash(str(QUALIFICATIONS.transitions["grant"].done))
            return see_other(url_for("bookings.show_qualification", qualification_id=row.id))
        host = _host(organization_id)
    return page("bookings/access/grant.html", form=form, host=host, asked=asked)


@blueprint.route(
    "/organizations/<int:organization_id>/access/clearances/file", methods=["GET", "POST"]
)
def file_clearance(organization_id: int) -> ResponseReturnValue:
    """File an agreement, an insurance certificate or an induction."""
    host = _host(organization_id)
    asked = _asked(host)
    form = ClearanceForm.bind(**_prefilled(asked))
    _offer_people(form, host, asked)
    form.facility_id.choices = grants.list_facility_choices(host.id)
    if form.submitted():
        row = form.attempt(services.file_clearance, current_actor(), host, **form.data)
        if row is not None:
            flash(str(CLEARANCES.transitions["grant"].done))
            return see_other(url_for("bookings.show_clearance", clearance_id=row.id))
        host = _host(organization_id)
    return page(
        "bookings/access/file.html",
        form=form,
        host=host,
        asked=asked,
        organizations=grants.list_known_organizations(host.id),
    )


@blueprint.route(
    "/organizations/<int:organization_id>/access/recognitions", methods=["GET", "POST"]
)
def show_recognitions(organization_id: int) -> ResponseReturnValue:
    """Show whose word a host takes, and take another's."""
    host = _host(organization_id)
    form = RecognitionForm.bind()
    if form.submitted():
        row = form.attempt(services.add_recognition, current_actor(), host, **form.data)
        if row is not None:
            flash(str(RECOGNITIONS.transitions["grant"].done))
            return see_other(url_for("bookings.show_recognitions", organization_id=host.id))
        host = _host(organization_id)
    actor = current_actor()
    return page(
        "bookings/access/recognitions.html",
        form=form,
        host=host,
        credentials=recognitions.list_offered_credentials(),
        rows=[
            (row, recognitions.source_of(row), RECOGNITIONS.available(actor, row))
            for row in recognitions.list_recognitions(host.id)
        ],
    )


@blueprint.post("/recognitions/<int:recognition_id>/actions/<action>")
def act_on_recognition(recognition_id: int, action: str) -> ResponseReturnValue:
    """Recognize something no longer."""
    actor = current_actor()
    row = recognitions.get_visible_recognition(actor, recognition_id)
    services.act_on_recognition(actor, row, action, note=form_text("note"))
    flash(str(RECOGNITIONS.transitions[action].done))
    return see_other(
        url_for("bookings.show_recognitions", organization_id=row.host_organization_id)
    )


# One qualification


@blueprint.get("/qualifications")
def list_own_qualifications() -> ResponseReturnValue:
    """Show a person what they may operate where, until when, and what they asked for."""
    actor = current_actor()
    authorize(actor, Permission.QUALIFICATION_VIEW_OWN)
    found = grants.list_qualifications(
        actor, user_id=actor.user_id, cursor=request.args.get("cursor")
    )
    return page(
        "bookings/access/mine.html",
        rows=found.items,
        next_url=url_for("bookings.list_own_qualifications", cursor=found.next)
        if found.next
        else None,
        clearances=grants.list_clearances(actor, about=actor, limit=50).items,
        asked=asking.list_access_requests(actor, user_id=actor.user_id, is_open=False, limit=20),
        statuses=ACCESS_REQUESTS.statuses,
        **_words(),
    )


@blueprint.get("/qualifications/<int:qualification_id>")
def show_qualification(qualification_id: int) -> ResponseReturnValue:
    """Show one qualification: what, whose, until when, on what evidence, and its history."""
    actor = current_actor()
    row = grants.get_visible_qualification(actor, qualification_id)
    return page(
        "bookings/access/qualification.html",
        row=row,
        is_mine=row.user_id == actor.user_id,
        by_disuse=lapses_first(row.expires_on, row.ends_on),
        steps=QUALIFICATIONS.available(actor, row),
        history=QUALIFICATIONS.history(row),
        coming=(
            grants.list_coming_bookings(row)
            if can(actor, Permission.QUALIFICATION_EDIT, row)
            else []
        ),
        sees_equipment=row.equipment is not None and can(actor, "equipment.view", row.equipment),
        **_words(),
    )


@blueprint.get("/qualifications/<int:qualification_id>/document")
def show_qualification_document(qualification_id: int) -> Response:
    """Answer with the document that proves a qualification."""
    row = grants.get_visible_qualification(current_actor(), qualification_id)
    return _document(row.evidence_file)


@blueprint.route("/qualifications/<int:qualification_id>/renew", methods=["GET", "POST"])
def renew_qualification(qualification_id: int) -> ResponseReturnValue:
    """Give a qualification new dates."""
    actor = current_actor()
    row = grants.get_visible_qualification(actor, qualification_id)
    authorize(actor, Permission.QUALIFICATION_EDIT, row)
    form = TermsForm.bind(lapses_after_days=row.lapses_after_days)
    if form.submitted():
        saved = form.attempt(services.renew_qualification, actor, row, **form.data)
        if saved is not None:
            flash(str(QUALIFICATIONS.transitions["renew"].done))
            return see_other(url_for("bookings.show_qualification", qualification_id=row.id))
        row = grants.get_visible_qualification(actor, qualification_id)
    return page("bookings/access/renew_qualification.html", form=form, row=row, **_words())


@blueprint.post("/qualifications/<int:qualification_id>/actions/<action>")
def act_on_qualification(qualification_id: int, action: str) -> ResponseReturnValue:
    """Revoke a qualification."""
    actor = current_actor()
    row = grants.get_visible_qualification(actor, qualification_id)
    services.act_on_qualification(actor, row, action, note=form_text("note"))
    flash(str(QUALIFICATIONS.transitions[action].done))
    return see_other(url_for("bookings.show_qualification", qualification_id=qualification_id))


# One clearance


@blueprint.get("/clearances/<int:clearance_id>")
def show_clearance(clearance_id: int) -> ResponseReturnValue:
    """Show one agreement, insurance certificate or induction, and its history."""
    actor = current_actor()
    row = grants.get_visible_clearance(actor, clearance_id)
    return page(
        "bookings/access/clearance.html",
        row=row,
        steps=CLEARANCES.available(actor, row),
        history=CLEARANCES.history(row),
        **_words(),
    )


@blueprint.get("/clearances/<int:clearance_id>/document")
def show_clearance_document(clearance_id: int) -> Response:
    """Answer with the document of a clearance."""
    return _document(grants.get_visible_clearance(current_actor(), clearance_id).file)


@blueprint.route("/clearances/<int:clearance_id>/renew", methods=["GET", "POST"])
def renew_clearance(clearance_id: int) -> ResponseReturnValue:
    """Give a clearance new dates."""
    actor = current_actor()
    row = grants.get_visible_clearance(actor, clearance_id)
    authorize(actor, Permission.CLEARANCE_EDIT, row)
    form = ValidityForm.bind(valid_from=row.valid_from)
    if form.submitted():
        saved = form.attempt(services.renew_clearance, actor, row, **form.data)
        if saved is not None:
            flash(str(CLEARANCES.transitions["renew"].done))
            return see_other(url_for("bookings.show_clearance", clearance_id=row.id))
        row = grants.get_visible_clearance(actor, clearance_id)
    return page("bookings/access/renew_clearance.html", form=form, row=row, **_words())


@blueprint.post("/clearances/<int:clearance_id>/actions/<action>")
def act_on_clearance(clearance_id: int, action: str) -> ResponseReturnValue:
    """Revoke a clearance."""
    actor = current_actor()
    row = grants.get_visible_clearance(actor, clearance_id)
    services.act_on_clearance(actor, row, action, note=form_text("note"))
    flash(str(CLEARANCES.transitions[action].done))
    return see_other(url_for("bookings.show_clearance", clearance_id=clearance_id))


# Asking


@blueprint.route("/access/ask", methods=["GET", "POST"])
def ask_for_access() -> ResponseReturnValue:
    """Ask the host of `equipment` or `facility` to open a gate (`kind`), for an `organization`."""
    actor = current_actor()
    authorize(actor, Permission.ACCESS_ASK)
    equipment_id, facility_id = number_argument("equipment"), number_argument("facility")
    if equipment_id is not None:
        record: Any = get_visible_equipment(actor, equipment_id)
    elif facility_id is not None:
        record = get_visible_facility(actor, facility_id)
    else:
        raise NotFound(_("Please ask from the page of the equipment or facility."))
    choices = organization_choices(actor)
    wanted = number_argument("organization")
    form = AskForm.bind(
        kind=choice_argument("kind", ACCESS_KINDS) or "qualification",
        organization_id=wanted if wanted in dict(choices) else choices[0][0] if choices else None,
    )
    form.organization_id.choices = choices
    form.capability.choices = _operable(record, is_equipment=equipment_id is not None)
    if form.submitted():
        row = form.attempt(
            services.ask_for_access,
            actor,
            record.organization,
            equipment_id=equipment_id,
            facility_id=facility_id,
            **form.data,
        )
        if row is not None:
            flash(_("%(host)s was asked. You get an e-mail with the answer.", host=_host_name(row)))
            return see_other(url_for("bookings.show_access_request", access_request_id=row.id))
    return page(
        "bookings/access/ask.html",
        form=form,
        record=record,
        has_organization=bool(choices),
        has_choice=len(choices) > 1,
        record_url=url_for(
            f"facilities.show_{'equipment' if equipment_id else 'facility'}",
            **({"equipment_id": equipment_id} if equipment_id else {"facility_id": facility_id}),
        ),
        **_words(),
    )


@blueprint.get("/access-requests/<int:access_request_id>")
def show_access_request(access_request_id: int) -> ResponseReturnValue:
    """Show what somebody asked for, to who asked and to the host."""
    actor = current_actor()
    row = asking.get_visible_access_request(actor, access_request_id)
    return page(
        "bookings/access/request.html",
        row=row,
        is_mine=row.user_id == actor.user_id,
        may_grant=row.status == "open" and can(actor, Permission.ACCESS_DECIDE, row),
        steps=ACCESS_REQUESTS.available(actor, row),
        statuses=ACCESS_REQUESTS.statuses,
        **_words(),
    )


@blueprint.post("/access-requests/<int:access_request_id>/actions/<action>")
def act_on_access_request(access_request_id: int, action: str) -> ResponseReturnValue:
    """Decline what was asked for, or withdraw it."""
    actor = current_actor()
    row = asking.get_visible_access_request(actor, access_request_id)
    services.act_on_access_request(actor, row, action, note=form_text("note"))
    flash(str(ACCESS_REQUESTS.transitions[action].done))
    return see_other(url_for("bookings.show_access_request", access_request_id=access_request_id))


def _operable(record: Any, *, is_equipment: bool) -> list[SelectChoice]:
    """Offer to operate the one machine, or all that carries one of its capabilities."""
    first = _("Only “%(name)s”", name=record.name) if is_equipment else _("Not given")
    return [
        SelectChoice("", first),
        *(
            SelectChoice(item.key, _("Everything with: %(capability)s", capability=item.name))
            for item in record.capabilities
        ),
    ]


def _host(organization_id: int) -> Any:
    actor = current_actor()
    host = get_visible_organization(actor, organization_id)
    authorize(actor, Permission.QUALIFICATION_VIEW_LEDGER, host)
    return host


def _host_name(row: Any) -> str:
    found = asking.find_shown_access_request(row.id)
    return found.host.name if found is not None else ""


def _asked(host: Any) -> Any:
    """Return the request that is being granted (`request`), if it is one of this host's."""
    number = number_argument("request")
    if number is None:
        return None
    row = asking.get_visible_access_request(current_actor(), number)
    if row.host_organization_id != host.id:
        raise NotFound()
    return row


def _prefilled(asked: Any) -> Mapping[str, Any]:
    if asked is None:
        return {}
    values: dict[str, Any] = {"kind": asked.kind, "user_id": asked.user_id}
    if asked.kind == "qualification":
        values["equipment_id"] = asked.equipment_id
        values["capability"] = asked.capability.name if asked.capability else ""
    elif asked.kind == "induction":
        machine = asked.equipment
        values["facility_id"] = machine.facility_id if machine else asked.facility_id
    else:
        values["organization"] = asked.organization.name
    return values


def _offer_people(form: Any, host: Any, asked: Any) -> None:
    choices = grants.list_known_people(host.id)
    if asked is not None and asked.user_id not in dict(choices):
        choices.insert(0, (asked.user_id, f"{asked.user.name}, {asked.user.email}"))
    form.user_id.choices = choices


def _document(file: StoredFile | None) -> Response:
    if file is None:
        raise NotFound(_("There is no document here."))
    return send_stored_file(file, is_public=False)


def _state_links(endpoint: str, host: Any, state: str) -> list[dict[str, Any]]:
    labels = {"valid": _("Valid"), "ending": _("Ending soon"), "all": _("All")}
    return [
        {
            "label": label,
            "url": url_for(endpoint, organization_id=host.id, state=value),
            "is_selected": value == state,
        }
        for value, label in labels.items()
    ]


def _next_url(endpoint: str, host: Any, state: str, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    return url_for(endpoint, organization_id=host.id, cursor=cursor, state=state or None)


def _words() -> dict[str, Any]:
    return {
        "today": today_here(),
        "warned_until": grants.warned_until(),
        "kinds": {**ACCESS_KINDS, **CLEARANCE_KINDS},
        "thing_of": grants.thing_of,
        "holder_of": grants.holder_of,
        "actions": LEDGER_WORDS,
    }
