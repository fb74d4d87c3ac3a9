"""Certificates for everybody who has the number, on paper, taken back; one's own transcript."""

import io

import segno
from flask import Response, make_response, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.authorization import authorize, can
from portal.kernel.errors import NotFound
from portal.kernel.settings import setting
from portal.kernel.web.addresses import external_url
from portal.kernel.web.answers import csv_answer, flash, page, see_other
from portal.kernel.web.arguments import text_argument
from portal.kernel.web.guard import refuse_many_tries
from portal.kernel.web.viewer import current_actor
from portal.training.forms.enrollments import NumberForm, RevokeForm
from portal.training.policies import Permission
from portal.training.queries import certificates as queries
from portal.training.rules.certificates import CERTIFICATE_STATES, CERTIFICATE_TONES, read_number
from portal.training.rules.enrollments import ENROLLMENT_STATUSES, ENROLLMENT_TONES
from portal.training.services import results as services
from portal.training.views.blueprint import blueprint


@blueprint.get("/training/certificates")
def find_certificate() -> ResponseReturnValue:
    """Ask for the number of a certificate, and lead to what it says."""
    authorize(current_actor(), Permission.CERTIFICATE_VERIFY)
    typed = text_argument("number", 40)
    number = read_number(typed) if typed else None
    if number is not None:
        return see_other(url_for("training.verify_certificate", number=number))
    form = NumberForm.bind(number=typed)
    if typed:
        form.add_error("number", _("This is no number of a certificate: it has 16 signs."))
    return page("training/find_certificate.html", form=form)


@blueprint.get("/training/certificates/<number>")
def verify_certificate(number: str) -> ResponseReturnValue:
    """Say to anybody who has the number whether a certificate is valid, and what is printed on it.

    Nothing else of its holder is told. So many a minute are answered to one address, that nobody
    tries numbers.
    """
    actor = current_actor()
    authorize(actor, Permission.CERTIFICATE_VERIFY)
    refuse_many_tries("certificate", setting("CERTIFICATE_CHECKS_PER_MINUTE"))
    try:
        certificate = queries.get_certificate(number)
    except NotFound as error:
        # Whoever mistyped it corrects it at once.
        form = NumberForm.bind(None, number=number[:40])
        form.add_error("number", error.message)
        answer = make_response(page("training/find_certificate.html", form=form))
        answer.status_code = 404
        return answer
    is_inside = can(actor, Permission.CERTIFICATE_VIEW, certificate)
    return page(
        "training/certificate.html",
        certificate=certificate,
        state=queries.state_today(certificate),
        states=CERTIFICATE_STATES,
        tones=CERTIFICATE_TONES,
        is_inside=is_inside,
        can_revoke=(
            certificate.revoked_at is None
            and can(actor, Permission.CERTIFICATE_REVOKE, certificate)
        ),
    )


@blueprint.get("/training/certificates/<number>/code.svg")
def show_certificate_code(number: str) -> ResponseReturnValue:
    """Answer with the QR code that opens the page on which a certificate is checked."""
    certificate = queries.get_visible_certificate(current_actor(), number)
    out = io.BytesIO()
    segno.make(
        external_url("training.verify_certificate", number=certificate.number),
        error="m",
        micro=False,
    ).save(out, kind="svg", scale=5, border=4, dark="#000", light="#fff", xmldecl=False, nl=False)
    return Response(out.getvalue(), mimetype="image/svg+xml")


@blueprint.get("/training/certificates/<number>/print")
def print_certificate(number: str) -> ResponseReturnValue:
    """Show a certificate as it is printed, to its holder and its provider."""
    certificate = queries.get_visible_certificate(current_actor(), number)
    return page(
        "training/certificate_print.html",
        certificate=certificate,
        state=queries.state_today(certificate),
        states=CERTIFICATE_STATES,
        check_url=external_url("training.verify_certificate", number=certificate.number),
    )


@blueprint.route("/training/certificates/<number>/revoke", methods=["GET", "POST"])
def revoke_certificate(number: str) -> ResponseReturnValue:
    """Take a certificate back, with a reason."""
    actor = current_actor()
    certificate = queries.get_certificate(number)
    # Whoever may only check it learns nothing here.
    if not can(actor, Permission.CERTIFICATE_VIEW, certificate):
        authorize(actor, Permission.TRANSCRIPT_VIEW)
        raise NotFound()
    authorize(actor, Permission.CERTIFICATE_REVOKE, certificate)
    form = RevokeForm.bind()
    if (
        form.submitted()
        and form.attempt(services.revoke_certificate, actor, certificate, reason=form.reason.data)
        is not None
    ):
        flash(_("The certificate was revoked. Its holder is told."))
        return see_other(url_for("training.verify_certificate", number=certificate.number))
    return page("training/revoke_certificate.html", form=form, certificate=certificate)


@blueprint.get("/training/transcript")
def show_transcript() -> ResponseReturnValue:
    """Show what the reader has learned, with results and certificates."""
    return page(
        "training/transcript.html",
        rows=queries.load_transcript(current_actor()),
        statuses=ENROLLMENT_STATUSES,
        tones=ENROLLMENT_TONES,
        states=CERTIFICATE_STATES,
        state_tones=CERTIFICATE_TONES,
    )


@blueprint.get("/training/transcript.csv")
def export_transcript() -> ResponseReturnValue:
    """Send the reader's transcript as a table."""
    rows = queries.load_transcript(current_actor())
    return csv_answer(
        "transcript.csv", queries.TRANSCRIPT_COLUMNS, map(queries.transcript_cells, rows)
    )
