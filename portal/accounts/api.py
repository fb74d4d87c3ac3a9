"""The JSON API of one's own account."""

from typing import Any

from flask import Response
from flask_babel import gettext as _

from portal.accounts import queries, services
from portal.accounts.forms import ProfileForm
from portal.accounts.policies import Permission
from portal.accounts.schemas import MeSchema
from portal.kernel.api import api_blueprint, bind_json, operation, respond
from portal.kernel.authorization import authorize
from portal.kernel.errors import Unauthenticated
from portal.kernel.web.answers import not_modified
from portal.kernel.web.viewer import current_actor

blueprint = api_blueprint("accounts", __name__)

_EXAMPLE = {
    "id": 7,
    "email": "ana@shop.example",
    "name": "Ana",
    "language": "en",
    "time_zone": "America/Kentucky/Louisville",
    "is_administrator": False,
    "memberships": [{"organization_id": 1, "role": "owner"}],
    "brokered_region_ids": [],
    "scopes": ["read"],
}


@blueprint.get("/me")
@operation(summary="Who you are, and where you belong", tag="Me", schema=MeSchema, example=_EXAMPLE)
def show_me() -> Response:
    """Answer with the person of the session or token."""
    me = _describe(_own_user())
    return not_modified(sorted(me.items()), is_public=False) or respond(MeSchema(), me)


@blueprint.patch("/me")
@operation(
    summary="Change your name, time zone or language",
    tag="Me",
    schema=MeSchema,
    form=ProfileForm,
    is_partial=True,
    scope="account:write",
    problems=(401, 403, 422),
    example=_EXAMPLE,
)
def change_me() -> Response:
    """Change the profile; what is absent stays."""
    user = _own_user()
    authorize(current_actor(), Permission.ACCOUNT_CHANGE, user)
    form = bind_json(ProfileForm, obj=user)
    changed = services.change_profile(current_actor(), user, **form.data)
    return respond(MeSchema(), _describe(changed))


def _own_user() -> Any:
    actor = current_actor()
    if actor.user_id is None:
        raise Unauthenticated(_("Please sign in or send a token."))
    return queries.get_visible_user(actor, actor.user_id)


def _describe(user: Any) -> dict[str, Any]:
    actor = current_actor()
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "language": user.language,
        "time_zone": user.time_zone,
        "is_administrator": user.is_administrator,
        "memberships": [
            {"organization_id": key, "role": role}
            for key, role in sorted(actor.memberships.items())
        ],
        "brokered_region_ids": sorted(actor.brokered_regions),
        "scopes": None if actor.scopes is None else sorted(actor.scopes),
    }
