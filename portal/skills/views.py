"""Pages: skills, credentials, and the credentials that an organization issues itself."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.authorization import authorize
from portal.kernel.errors import Unauthenticated
from portal.kernel.kept import keep_answer
from portal.kernel.web.additions import sections_of
from portal.kernel.web.addresses import local_target
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import record_number, text_argument
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import get_organization, organization_choices
from portal.skills import queries, services
from portal.skills.forms import CredentialForm, NewCredentialForm, credential_values
from portal.skills.policies import Permission
from portal.skills.rules import CREDENTIAL_KINDS, SKILL_KINDS

blueprint = Blueprint("skills", __name__)


@blueprint.get("/skills")
def list_skills() -> ResponseReturnValue:
    """Show all skills by field of work, or what fits the words typed."""
    typed = text_argument("q", 100)
    keep_answer()
    return page(
        "skills/skills.html",
        typed=typed,
        matches=queries.suggest_skills(typed, 50) if typed else [],
        by_kind={} if typed else queries.skills_by_kind(),
        kinds=SKILL_KINDS,
    )


@blueprint.get("/skills/<key>")
def show_skill(key: str) -> ResponseReturnValue:
    """Show a skill: its other names, who needs it, what it serves, what proves it."""
    skill = queries.get_skill(key)
    keep_answer()
    return page(
        "skills/skill.html",
        skill=skill,
        kinds=SKILL_KINDS,
        credentials=queries.credentials_of_skill(key),
        sections=sections_of("skill", skill),
    )


@blueprint.get("/skills/suggestions")
def suggest_skills() -> ResponseReturnValue:
    """Answer with skills for what is being typed, as a fragment."""
    matches = queries.suggest_skills(_typed("skill"), 8)
    return _suggestions(
        "skill",
        [(match.label, url_for("skills.show_skill", key=match.key)) for match in matches],
    )


@blueprint.get("/occupations/suggestions")
def suggest_occupations() -> ResponseReturnValue:
    """Answer with occupations for what is being typed, as a fragment."""
    matches = queries.suggest_occupations(_typed("occupation"), 8)
    return _suggestions(
        "occupation",
        [(match.label, url_for("skills.list_skills", q=match.matched)) for match in matches],
    )


@blueprint.get("/credentials/suggestions")
def suggest_credentials() -> ResponseReturnValue:
    """Answer with credentials for what is being typed, as a fragment."""
    matches = queries.suggest_credentials(_typed("credential"), 8)
    return _suggestions(
        "credential",
        [
            (match.label, url_for("skills.show_credential", credential_id=int(match.key)))
            for match in matches
        ],
    )


@blueprint.get("/credentials")
def list_credentials() -> ResponseReturnValue:
    """Show the credentials by name, or those with the words typed."""
    typed = text_argument("q", 100)
    found = queries.list_credentials(typed=typed, cursor=request.args.get("cursor"), limit=50)
    keep_answer()
    return page(
        "skills/credentials.html",
        typed=typed,
        found=found,
        kinds=CREDENTIAL_KINDS,
        own=organization_choices(current_actor(), "owner", "manager"),
        next_url=url_for("skills.list_credentials", q=typed or None, cursor=found.next)
        if found.next
        else None,
    )


@blueprint.get("/credentials/<int:credential_id>")
def show_credential(credential_id: int) -> ResponseReturnValue:
    """Show a credential: who issues it, how long it is good, what it proves."""
    credential = queries.get_credential(credential_id)
    keep_answer()
    return page(
        "skills/credential.html",
        credential=credential,
        kinds=CREDENTIAL_KINDS,
        sections=sections_of("credential", credential),
    )


@blueprint.route("/credentials/new", methods=["GET", "POST"])
def new_credential() -> ResponseReturnValue:
    """Write down a credential that one's organization issues."""
    actor = current_actor()
    if actor.user_id is None:
        raise Unauthenticated(_("Please sign in first."))
    choices = organization_choices(actor, "owner", "manager")
    wanted = request.args.get("organization", type=record_number)
    form = NewCredentialForm.bind(
        organization_id=wanted
        if wanted in dict(choices)
        else next((key for key, _name in choices), 0)
    )
    form.organization_id.choices = choices
    if form.submitted():
        values = dict(form.data)
        organization = get_organization(values.pop("organization_id"))
        made = form.attempt(services.create_credential, actor, organization, **values)
        if made is not None:
            flash(
                _("“%(name)s” was saved. A program can lead to it now.", name=made.name),
                link=(
                    local_target(request.args.get("next"), url_for("training.new_program")),
                    _("Back to the program") if "next" in request.args else _("Add a program"),
                ),
            )
            return see_other(url_for("skills.show_credential", credential_id=made.id))
    return page("skills/credential_form.html", form=form, credential=None, choices=choices)


@blueprint.route("/credentials/<int:credential_id>/edit", methods=["GET", "POST"])
def edit_credential(credential_id: int) -> ResponseReturnValue:
    """Change a credential that one's organization issues."""
    credential = queries.get_credential(credential_id)
    authorize(current_actor(), Permission.CREDENTIAL_EDIT, credential)
    form = CredentialForm.bind(credential_values(credential, is_page=True))
    if form.submitted() and (
        form.attempt(services.change_credential, current_actor(), credential, **form.data)
        is not None
    ):
        flash(_("“%(name)s” was saved.", name=credential.name))
        return see_other(url_for("skills.show_credential", credential_id=credential_id))
    return page("skills/credential_form.html", form=form, credential=credential, choices=[])


def _typed(field: str) -> str:
    """Return what is being typed: into a search box, or into a form's field of this name."""
    return text_argument("q", 100) or text_argument(field, 100)


def _suggestions(kind: str, rows: list[tuple[str, str]]) -> ResponseReturnValue:
    suggestions = [{"kind": kind, "title": title, "url": url} for title, url in rows]
    return page("components/suggestions.html", suggestions=suggestions)
