"""Enrollments and certificates in the JSON API, over the same forms and commands as the pages."""

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.api import bind_json, operation, page_arguments, respond, respond_page
from portal.kernel.authorization import authorize
from portal.kernel.errors import Invalid
from portal.kernel.idempotency import idempotency_key
from portal.kernel.settings import setting
from portal.kernel.web.arguments import number_argument
from portal.kernel.web.guard import refuse_many_tries
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import get_visible_organization
from portal.training.api.blueprint import blueprint
from portal.training.forms.enrollments import EnrollmentForm, ResultForm, StepForm
from portal.training.policies import Permission
from portal.training.queries import certificates as certificate_queries
from portal.training.queries import enrollments as queries
from portal.training.queries.sections import get_visible_section
from portal.training.schemas.enrollments import CertificateSchema, EnrollmentSchema
from portal.training.services import enrollments as services
from portal.training.services import results

_ANSWERS = ("accept", "turn_down", "object")


@blueprint.get("/enrollments")
@operation(
    summary="List enrollments",
    tag="training",
    schema=EnrollmentSchema,
    is_list=True,
    filters={
        "organization_id": "Those that one of your organizations pays for, instead of your own.",
        "section_id": "Those of a section of yours: its roster.",
    },
    problems=(403, 404),
)
def list_enrollments() -> ResponseReturnValue:
    """List your own enrollments, those that a firm of yours pays for, or a roster; newest first."""
    actor = current_actor()
    authorize(actor, Permission.ENROLLMENT_VIEW_OWN)
    schema = EnrollmentSchema(actor=actor)
    section_id = number_argument("section_id")
    if section_id is not None:
        section = get_visible_section(actor, section_id)
        authorize(actor, Permission.ROSTER_VIEW, section)
        return respond_page(schema, queries.list_roster_page(section, **page_arguments()))
    number = number_argument("organization_id")
    if number is None:
        return respond_page(schema, queries.list_own(actor, **page_arguments()))
    organization = get_visible_organization(actor, number)
    authorize(actor, Permission.ENROLLMENT_VIEW_OF_FIRM, organization)
    return respond_page(schema, queries.list_of_firm(organization, **page_arguments()))


@blueprint.post("/enrollments")
@operation(
    summary="Enroll yourself, or people of a firm",
    tag="training",
    schema=EnrollmentSchema,
    form=EnrollmentForm,
    status=201,
    repeats="row",
    scope="training:write",
    problems=(404, 409, 429),
    example={"section_id": 7, "organization_id": 3, "emails": ["jo@shop.example"], "waits": True},
)
def create_enrollment() -> ResponseReturnValue:
    """Enroll yourself; with `emails`, keep seats for people of a firm of yours until they accept.

    Where no seat is free one gets in line, unless `waits` is false.
    """
    actor = current_actor()
    authorize(actor, Permission.ENROLLMENT_VIEW_OWN)
    form = bind_json(EnrollmentForm)
    section = get_visible_section(actor, form.section_id.data)
    wanted: dict[str, Any] = {
        "waits": form.waits.data,
        "idempotency_key": idempotency_key(),
    }
    firm = None
    if form.organization_id.data is not None:
        managed = queries.list_managed(actor)
        firm = next((one for one in managed if one.id == form.organization_id.data), None)
        if firm is None:
            raise Invalid("organization_id", _("Please choose an organization that you manage."))
    if not form.emails.data:
        made = [services.enroll(actor, section, for_organization=firm, **wanted)]
    elif firm is None:
        raise Invalid("organization_id", _("Please choose an organization that you manage."))
    else:
        made = services.enroll_others(
            actor, section, organization=firm, emails=form.emails.data, **wanted
        )
    together = [row.id for row in made] if len(made) > 1 else []
    return respond(
        EnrollmentSchema(actor=actor, together=together),
        made[0],
        status=201,
        location=url_for("training_api.show_enrollment", enrollment_id=made[0].id),
    )


@blueprint.get("/enrollments/<int:enrollment_id>")
@operation(
    summary="Read an enrollment", tag="training", schema=EnrollmentSchema, problems=(403, 404)
)
def show_enrollment(enrollment_id: int) -> ResponseReturnValue:
    """Return an enrollment of yours, of a firm of yours, or of a section of yours."""
    actor = current_actor()
    return respond(
        EnrollmentSchema(actor=actor), queries.get_visible_enrollment(actor, enrollment_id)
    )


@blueprint.post("/enrollments/<int:enrollment_id>/actions/<action>")
@operation(
    summary="Accept, turn down, withdraw, approve, refuse or remove",
    tag="training",
    schema=EnrollmentSchema,
    form=StepForm,
    scope="training:write",
    problems=(404, 409),
    example={"note": "She has moved to the night shift."},
)
def act_on_enrollment(enrollment_id: int, action: str) -> ResponseReturnValue:
    """Take a step of the workflow; refusing and removing need a `note`.

    `accept` and `turn_down` answer for a seat that is kept for you; `object` withdraws you where
    the provider wrote you down.
    """
    actor = current_actor()
    row = queries.get_visible_enrollment(actor, enrollment_id)
    form = bind_json(StepForm)
    if action in _ANSWERS:
        services.answer_enrollment(actor, row, action)
    else:
        services.act_on_enrollment(actor, row, action, note=form.note.data)
    return respond(EnrollmentSchema(actor=actor), queries.get_enrollment(enrollment_id))


@blueprint.post("/enrollments/<int:enrollment_id>/result")
@operation(
    summary="Record a result",
    tag="training",
    schema=EnrollmentSchema,
    form=ResultForm,
    scope="training:write",
    problems=(404, 409),
    example={"passed": True, "grade": "A"},
)
def record_result(enrollment_id: int) -> ResponseReturnValue:
    """Write down whether somebody passed; who did gets a certificate."""
    actor = current_actor()
    row = queries.get_visible_enrollment(actor, enrollment_id)
    authorize(actor, Permission.ENROLLMENT_RECORD, row)
    form = bind_json(ResultForm)
    results.record_result(actor, row, passed=form.passed.data, grade=form.grade.data)
    return respond(EnrollmentSchema(actor=actor), queries.get_enrollment(enrollment_id))


@blueprint.get("/certificates/<number>")
@operation(
    summary="Check a certificate", tag="training", schema=CertificateSchema, problems=(404, 429)
)
def show_certificate(number: str) -> ResponseReturnValue:
    """Say whether the certificate with this number is valid, expired or revoked."""
    authorize(current_actor(), Permission.CERTIFICATE_VERIFY)
    refuse_many_tries("certificate", setting("CERTIFICATE_CHECKS_PER_MINUTE"))
    certificate = certificate_queries.get_certificate(number)
    told = {
        name: getattr(certificate, name) for name in CertificateSchema().fields if name != "state"
    }
    return respond(
        CertificateSchema(), {**told, "state": certificate_queries.state_today(certificate)}
    )
