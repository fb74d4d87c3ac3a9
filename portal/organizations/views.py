"""Pages of organizations: the record, its forms, its people, invitations and claims."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from portal.kernel.authorization import authorize
from portal.kernel.clock import now, today
from portal.kernel.errors import Invalid, NotFound
from portal.kernel.files import send_stored_file
from portal.kernel.kept import keep_answer
from portal.kernel.web.addresses import external_url, local_target
from portal.kernel.web.answers import flash, linked_data_answer, not_modified, page, see_other
from portal.kernel.web.arguments import chosen_numbers, confirmed, form_text, text_argument
from portal.kernel.web.viewer import current_actor, viewer_zone
from portal.organizations.forms import (
    ClaimForm,
    InvitationForm,
    JoinForm,
    OrganizationForm,
    OrganizationPageForm,
    RoleForm,
    organization_values,
)
from portal.organizations.policies import Permission
from portal.organizations.queries import people, profiles
from portal.organizations.queries.resolving import check_named
from portal.organizations.rules import (
    CLAIMS,
    EMPLOYEE_BANDS,
    INVITATIONS,
    JOIN_REQUESTS,
    ORGANIZATION_KINDS,
    OWNERSHIP,
    ROLES,
    SOURCES,
    certificates,
    is_stale,
)
from portal.organizations.schemas import linked_data
from portal.organizations.services import joining, records, roles

blueprint = Blueprint("organizations", __name__)


# Lists


@blueprint.get("/organizations")
def list_organizations() -> ResponseReturnValue:
    """List all organizations by name; the directory searches them."""
    kind, county = text_argument("kind"), text_argument("county")
    found = profiles.list_organizations(
        current_actor(), kind=kind, county=county, cursor=request.args.get("cursor")
    )
    next_url = url_for(
        "organizations.list_organizations",
        kind=kind or None,
        county=county or None,
        cursor=found.next,
    )
    return page(
        "organizations/list.html",
        organizations=found.items,
        next_url=next_url if found.next else None,
        kinds=ORGANIZATION_KINDS,
        kind=kind if kind in ORGANIZATION_KINDS else "",
        county=county,
    )


@blueprint.get("/organizations/suggestions")
def suggest_organizations() -> ResponseReturnValue:
    """Answer with organizations for what is being typed, as a fragment."""
    # A field that holds a single name asks under its own, whatever that is.
    typed = text_argument(next(iter(request.args), "q"), 100)
    return page(
        "components/suggestions.html",
        suggestions=[
            {
                "kind": "organization",
                "title": row.name,
                "url": url_for("organizations.show", organization_id=row.id),
            }
            for row in profiles.suggest_organizations(current_actor(), typed)
        ],
    )


@blueprint.get("/organizations/mine")
def list_mine() -> ResponseReturnValue:
    """List the organizations that the reader belongs to."""
    actor = current_actor()
    authorize(actor, Permission.ORGANIZATION_REGISTER)
    moment = now()
    rows = [
        (row, ROLES[actor.memberships[row.id]], is_stale(row.confirmed_at, moment))
        for row in profiles.list_own(actor)
    ]
    return page("organizations/mine.html", rows=rows, kinds=ORGANIZATION_KINDS)


# The record


@blueprint.get("/organizations/<int:organization_id>")
def show(organization_id: int) -> ResponseReturnValue:
    """Show one organization and what it shares."""
    actor = current_actor()
    organization = profiles.get_visible_organization(actor, organization_id)
    is_own = organization.id in actor.memberships
    keep_answer()
    return page(
        "organizations/show.html",
        organization=organization,
        canonical_url=external_url("organizations.show", organization_id=organization.id),
        hidden=profiles.hidden_fields_for(actor, organization),
        is_own=is_own,
        is_stale=is_stale(organization.confirmed_at, now()),
        is_claimable=not people.has_people(organization.id),
        has_asked=actor.user_id is not None
        and not is_own
        and people.find_open_join_request(organization.id, actor.user_id) is not None,
        people=people.list_people(organization.id, limit=20) if is_own else [],
        kinds=ORGANIZATION_KINDS,
        bands=EMPLOYEE_BANDS,
        ownership=OWNERSHIP,
        roles=ROLES,
        source=SOURCES.get(organization.source),
        clusters=profiles.clusters_of(organization),
        certifications=certificates(organization.certifications, today(viewer_zone())),
        linked_data=_linked_data(organization),
    )


@blueprint.get("/organizations/<int:organization_id>.jsonld")
def show_linked_data(organization_id: int) -> ResponseReturnValue:
    """Answer with the organization as linked data of schema.org."""
    actor = current_actor()
    organization = profiles.get_visible_organization(actor, organization_id)
    sees = profiles.sees_members_fields(actor)
    if reply := not_modified("jsonld", organization.id, organization.updated_at, sees):
        return reply
    return linked_data_answer(_linked_data(organization))


def _linked_data(organization: Any) -> dict[str, Any]:
    logo_url = external_url("organizations.show_logo", organization_id=organization.id)
    return linked_data(
        organization,
        url=external_url("organizations.show", organization_id=organization.id),
        logo_url=logo_url if organization.logo_id else None,
        sees_members_fields=profiles.sees_members_fields(current_actor()),
    )


@blueprint.get("/organizations/<int:organization_id>/logo")
def show_logo(organization_id: int) -> Response:
    """Answer with the logo."""
    logo = profiles.get_logo(current_actor(), organization_id)
    return send_stored_file(logo, is_small=True, is_public=False)


@blueprint.route("/organizations/register", methods=["GET", "POST"])
def register() -> ResponseReturnValue:
    """Register an organization, after a look at those it may already be."""
    actor = current_actor()
    authorize(actor, Permission.ORGANIZATION_REGISTER)
    form = OrganizationForm.bind()
    duplicates: list[profiles.Duplicate] = []
    if form.submitted(check_named):
        is_another = request.form.get("is_another") == "yes"
        if not is_another:
            duplicates = profiles.find_duplicates(form.name.data, zip_code=form.zip_code.data)
        if not duplicates:
            organization = form.attempt(
                records.register_organization, actor, is_another=is_another, **form.data
            )
            if organization is not None:
                flash(
                    _("“%(name)s” is in the directory now.", name=organization.name),
                    link=(
                        url_for("organizations.show_people", organization_id=organization.id),
                        _("Invite your colleagues"),
                    ),
                )
                own = url_for("organizations.show", organization_id=organization.id)
                return see_other(local_target(request.args.get("next"), own))
    return page("organizations/register.html", form=form, duplicates=duplicates)


@blueprint.route("/organizations/<int:organization_id>/edit", methods=["GET", "POST"])
def edit(organization_id: int) -> ResponseReturnValue:
    """Change the profile."""
    actor = current_actor()
    organization = profiles.get_editable_organization(actor, organization_id)
    form = OrganizationPageForm.bind(organization_values(organization))
    if form.submitted(check_named):
        changed = form.attempt(records.change_organization, actor, organization, **form.data)
        if changed is not None:
            flash(_("“%(name)s” was saved.", name=changed.name))
            own = url_for("organizations.show", organization_id=changed.id)
            return see_other(local_target(request.args.get("next"), own))
    if form.new_logo.data is not None and not form.new_logo.errors:
        # No browser fills in a file again.
        form.add_error("new_logo", _("Please choose the picture again."))
    return page("organizations/edit.html", form=form, organization=organization)


@blueprint.post("/organizations/<int:organization_id>/logo/remove")
def remove_logo(organization_id: int) -> ResponseReturnValue:
    """Take the logo down."""
    actor = current_actor()
    records.remove_logo(actor, profiles.get_editable_organization(actor, organization_id))
    flash(_("The logo was removed."))
    return _to_record(organization_id)


#: Steps on an organization itself: what is called, and what is said then.
_STEPS: Mapping[str, tuple[Callable[..., object], Any]] = {
    "confirm": (records.confirm_organization, _l("“%(name)s” was confirmed.")),
    "verify": (records.verify_organization, _l("“%(name)s” was marked as verified.")),
    "withdraw-verification": (
        records.withdraw_verification,
        _l("“%(name)s” is not marked as verified any more."),
    ),
    "archive": (records.archive_organization, _l("“%(name)s” was archived.")),
    "restore": (records.restore_organization, _l("“%(name)s” was restored.")),
}
_UNDONE_BY = {"archive": "restore", "verify": "withdraw-verification"}


@blueprint.post("/organizations/<int:organization_id>/actions/<action>")
def act(organization_id: int, action: str) -> ResponseReturnValue:
    """Confirm, verify, archive or restore an organization."""
    if action not in _STEPS:
        raise NotFound(_("There is no such action."))
    actor = current_actor()
    organization = profiles.get_visible_organization(actor, organization_id)
    if action == "archive" and not confirmed():
        authorize(actor, Permission.ORGANIZATION_ARCHIVE, organization)
        return page(
            "components/confirm.html",
            title=_("Archive “%(name)s”?", name=organization.name),
            text=_("Outsiders will see neither it nor what it shares. Owners can restore it."),
            action=_("Archive"),
            cancel_url=url_for("organizations.show", organization_id=organization_id),
        )
    command, words = _STEPS[action]
    command(actor, organization)
    undo_url = None
    if undo := _UNDONE_BY.get(action):
        undo_url = url_for("organizations.act", organization_id=organization_id, action=undo)
    flash(str(words) % {"name": organization.name}, undo_url=undo_url)
    record_url = url_for("organizations.show", organization_id=organization_id)
    return see_other(local_target(request.form.get("next"), record_url))


@blueprint.post("/organizations/verify")
def verify_several() -> ResponseReturnValue:
    """Vouch for the organizations that were chosen on a desk."""
    actor = current_actor()
    authorize(actor, Permission.ORGANIZATION_VIEW_UNVERIFIED)
    chosen = tuple(
        profiles.get_visible_organization(actor, number)
        for number in chosen_numbers("organization_id")
    )
    done = records.verify_organizations(actor, chosen)
    flash(
        ngettext(
            "%(num)s organization was marked as verified.",
            "%(num)s organizations were marked as verified.",
            len(done),
        )
    )
    return see_other(local_target(request.form.get("next"), "/desk"))


# People


@blueprint.route("/organizations/<int:organization_id>/people", methods=["GET", "POST"])
def show_people(organization_id: int) -> ResponseReturnValue:
    """Show who belongs to an organization, and invite more."""
    actor = current_actor()
    organization = profiles.get_own_organization(actor, organization_id)
    form = InvitationForm.bind()
    if form.submitted():
        invitation = form.attempt(joining.send_invitation, actor, organization, **form.data)
        if invitation is not None:
            flash(_("An invitation is on its way to %(email)s.", email=invitation.email))
            return _to_people(organization_id)
    return _people_page(organization, form)


def _people_page(organization: Any, form: InvitationForm) -> ResponseReturnValue:
    actor = current_actor()
    invitations, join_requests = people.list_waiting(actor, organization)
    found = people.page_people(organization.id, cursor=request.args.get("cursor"))
    return page(
        "organizations/people.html",
        organization=organization,
        people=found.items,
        next_url=found.next
        and url_for(
            "organizations.show_people", organization_id=organization.id, cursor=found.next
        ),
        invitations=[(row, INVITATIONS.available(actor, row)) for row in invitations],
        join_requests=[(row, JOIN_REQUESTS.available(actor, row)) for row in join_requests],
        form=form,
        roles=ROLES,
        statuses=INVITATIONS.statuses,
    )


@blueprint.post("/memberships/<int:membership_id>/role")
def change_role(membership_id: int) -> ResponseReturnValue:
    """Give one of the people another role."""
    actor = current_actor()
    membership = people.get_visible_membership(actor, membership_id)
    form = RoleForm.bind()
    if not form.submitted():
        raise Invalid("role", _("Please choose a role."))
    roles.change_membership_role(actor, membership, role=form.role.data)
    flash(
        _(
            "%(name)s has the role “%(role)s” now.",
            name=membership.user.name,
            role=ROLES[membership.role],
        )
    )
    return _to_people(membership.organization_id)


@blueprint.post("/memberships/<int:membership_id>/end")
def end_membership(membership_id: int) -> ResponseReturnValue:
    """Leave an organization, or take somebody out of it."""
    actor = current_actor()
    membership = people.get_visible_membership(actor, membership_id)
    authorize(actor, Permission.MEMBERSHIP_END, membership)
    organization_id, name = membership.organization_id, membership.organization.name
    is_self = membership.user_id == actor.user_id
    if not confirmed():
        title = (
            _("Leave “%(name)s”?", name=name)
            if is_self
            else _("Remove %(person)s from “%(name)s”?", person=membership.user.name, name=name)
        )
        return page(
            "components/confirm.html",
            title=title,
            action=_("Leave") if is_self else _("Remove"),
            cancel_url=url_for("organizations.show_people", organization_id=organization_id),
        )
    roles.end_membership(actor, membership)
    if is_self:
        flash(_("You left “%(name)s”.", name=name))
        return see_other(url_for("organizations.list_mine"))
    flash(_("%(person)s does not belong to it any more.", person=membership.user.name))
    return _to_people(organization_id)


# Invitations


@blueprint.get("/invitations/<int:invitation_id>")
def show_invitation(invitation_id: int) -> ResponseReturnValue:
    """Show an invitation to the person whose address it went to."""
    actor = current_actor()
    authorize(actor, Permission.ORGANIZATION_REGISTER)
    return _invitation_page(people.get_visible_invitation(actor, invitation_id))


@blueprint.get("/invitations/link/<token>")
def show_invitation_link(token: str) -> ResponseReturnValue:
    """Show the invitation of a link; whoever is not signed in is led there and back."""
    return _invitation_page(people.get_invitation_by_token(token), token)


def _invitation_page(invitation: Any, token: str = "") -> ResponseReturnValue:
    actor = current_actor()
    return page(
        "organizations/invitation.html",
        invitation=invitation,
        organization=invitation.organization,
        token=token,
        is_open=invitation.status == "sent" and invitation.expires_at > now(),
        is_member=invitation.organization_id in actor.memberships,
        role=ROLES[invitation.role],
        status=INVITATIONS.statuses[invitation.status],
    )


@blueprint.post("/invitations/<int:invitation_id>/actions/<action>")
def act_on_invitation(invitation_id: int, action: str) -> ResponseReturnValue:
    """Take a step of the workflow of invitations."""
    actor = current_actor()
    token = request.form.get("token", "")
    invitation = (
        people.get_invitation_by_token(token)
        if token
        else people.get_visible_invitation(actor, invitation_id)
    )
    if invitation.id != invitation_id:
        raise NotFound()
    joining.act_on_invitation(actor, invitation, action=action, token=token)
    flash(str(INVITATIONS.transitions[action].done))
    if action == "accept":
        return _to_record(invitation.organization_id)
    if action == "decline":
        return see_other("/")
    return _to_people(invitation.organization_id)


# Requests to join


@blueprint.route("/organizations/<int:organization_id>/join", methods=["GET", "POST"])
def join(organization_id: int) -> ResponseReturnValue:
    """Ask to join an organization."""
    actor = current_actor()
    organization = profiles.get_visible_organization(actor, organization_id)
    authorize(actor, Permission.JOIN_REQUEST_SEND, organization)
    form = JoinForm.bind()
    if form.submitted():
        sent = form.attempt(joining.send_join_request, actor, organization, **form.data)
        if sent is not None:
            flash(_("Your request was sent. The answer comes by e-mail."))
            return _to_record(organization_id)
    waiting = people.find_open_join_request(organization_id, actor.user_id)
    return page(
        "organizations/join.html",
        form=form,
        organization=organization,
        waiting=waiting,
        steps=JOIN_REQUESTS.available(actor, waiting) if waiting else [],
    )


@blueprint.post("/join-requests/<int:join_request_id>/actions/<action>")
def act_on_join_request(join_request_id: int, action: str) -> ResponseReturnValue:
    """Take a step of the workflow of requests to join."""
    actor = current_actor()
    join_request = people.get_visible_join_request(actor, join_request_id)
    name = join_request.user.name
    joining.act_on_join_request(actor, join_request, action=action, note=form_text("note"))
    done = str(JOIN_REQUESTS.transitions[action].done)
    flash(_("%(name)s is a member now.", name=name) if action == "accept" else done)
    if action == "withdraw":
        return _to_record(join_request.organization_id)
    return _to_people(join_request.organization_id)


# Claims


@blueprint.route("/organizations/<int:organization_id>/claim", methods=["GET", "POST"])
def claim(organization_id: int) -> ResponseReturnValue:
    """Claim an organization that nobody represents yet."""
    actor = current_actor()
    organization = profiles.get_visible_organization(actor, organization_id)
    authorize(actor, Permission.CLAIM_SEND, organization)
    waiting = people.find_pending_claim(organization_id, actor.user_id)
    if waiting is not None:
        return see_other(url_for("organizations.show_claim", claim_id=waiting.id))
    form = ClaimForm.bind()
    if form.submitted():
        sent = form.attempt(joining.send_claim, actor, organization, **form.data)
        if sent is not None:
            flash(_("Your claim was sent. The answer comes by e-mail."))
            return see_other(url_for("organizations.show_claim", claim_id=sent.id))
    return page("organizations/claim.html", form=form, organization=organization)


@blueprint.get("/claims/<int:claim_id>")
def show_claim(claim_id: int) -> ResponseReturnValue:
    """Show a claim with its evidence and its history."""
    actor = current_actor()
    found = people.get_visible_claim(actor, claim_id)
    return page(
        "organizations/show_claim.html",
        claim=found,
        organization=found.organization,
        status=CLAIMS.statuses[found.status],
        steps=CLAIMS.available(actor, found),
        history=CLAIMS.history(found),
        statuses=CLAIMS.statuses,
        is_own=found.user_id == actor.user_id,
    )


@blueprint.post("/claims/<int:claim_id>/actions/<action>")
def act_on_claim(claim_id: int, action: str) -> ResponseReturnValue:
    """Take a step of the workflow of claims."""
    actor = current_actor()
    found = people.get_visible_claim(actor, claim_id)
    joining.act_on_claim(actor, found, action=action, note=form_text("note"))
    flash(str(CLAIMS.transitions[action].done))
    return see_other(url_for("organizations.show_claim", claim_id=claim_id))


@blueprint.post("/claims/actions/<any(approve, deny):action>")
def act_on_claims(action: str) -> ResponseReturnValue:
    """Approve or deny the claims that were chosen on a desk."""
    actor = current_actor()
    authorize(actor, Permission.ORGANIZATION_VIEW_UNVERIFIED)
    chosen = tuple(people.get_visible_claim(actor, number) for number in chosen_numbers("claim_id"))
    done = joining.act_on_claims(actor, chosen, action=action, note=form_text("note"))
    flash(ngettext("%(num)s claim was decided.", "%(num)s claims were decided.", len(done)))
    return see_other(local_target(request.form.get("next"), "/desk"))


def _to_record(organization_id: int) -> Response:
    return see_other(url_for("organizations.show", organization_id=organization_id))


def _to_people(organization_id: int) -> Response:
    return see_other(url_for("organizations.show_people", organization_id=organization_id))
