"""The page of the interview: what a firm says is written down in one sitting."""

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.brokerage.forms.interview import InterviewForm
from portal.brokerage.policies import Permission
from portal.brokerage.queries import cases as queries
from portal.brokerage.services.interview import record_interview
from portal.brokerage.views.blueprint import blueprint
from portal.kernel.authorization import authorize
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import number_argument
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries import profiles
from portal.regions.queries.regions import get_region


@blueprint.route("/broker/interview", methods=["GET", "POST"])
def interview() -> ResponseReturnValue:
    """Write down a firm, its machine and its request, after a look at firms it may already be."""
    actor = current_actor()
    authorize(actor, Permission.CASE_VIEW_OWN)
    form = InterviewForm.bind()
    regions = queries.region_choices(actor)
    form.region_id.choices = regions
    if request.method == "GET":
        form.region_id.data = regions[0][0] if regions else None
        form.organization_id.data = number_argument("organization")
    form.organization_id.choices, _none = queries.record_choices(
        actor, organization_id=form.organization_id.data
    )
    # Of a firm that is in the directory, the name is known.
    form.name.flags.required = not form.organization_id.choices
    duplicates: list[profiles.Duplicate] = []
    if form.submitted():
        if form.region_id.data not in dict(regions):
            form.add_error("region_id", _("Please choose one of your regions."))
        elif not form.organization_id.data and not form.is_another.data:
            duplicates = profiles.find_duplicates(form.name.data, zip_code=form.zip_code.data)
        if not duplicates and not form.errors:
            answer = _record(form)
            if answer is not None:
                return answer
    return page(
        "brokerage/interview.html", form=form, has_choice=len(regions) > 1, duplicates=duplicates
    )


def _record(form: InterviewForm) -> ResponseReturnValue | None:
    actor = current_actor()
    chosen = form.organization_id.data
    done = form.attempt(
        record_interview,
        actor,
        get_region(form.region_id.data),
        organization=profiles.get_visible_organization(actor, chosen) if chosen else None,
        profile=form.profile(),
        equipment=form.part("equipment_"),
        request=form.part("request_"),
        note=form.note.data,
    )
    if done is None:
        return None
    flash(
        _("What “%(name)s” said is written down.", name=done.organization.name),
        link=(url_for("brokerage.show_case", case_id=done.case.id), _("Open the case")),
    )
    if done.request is not None:
        return see_other(url_for("partnerships.ask_firm", request_id=done.request.id))
    return see_other(url_for("brokerage.show_case", case_id=done.case.id))
