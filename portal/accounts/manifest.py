"""What accounts plug into the app."""

from flask_babel import lazy_gettext as _l

from portal.accounts import api, cli, events, queries, reactions, services
from portal.accounts.policies import Permission, policy
from portal.accounts.views import administration, identity, own_account, signing_in
from portal.accounts.views.blueprint import blueprint
from portal.kernel.authorization import SYSTEM
from portal.kernel.manifest import Job, Leaving, Manifest, NavigationItem
from portal.kernel.outbox import Reaction

#: Importing them is what puts their routes on the blueprint.
PAGES = (signing_in, own_account, administration)

manifest = Manifest(
    name="accounts",
    blueprints=(blueprint, api.blueprint),
    policy=policy,
    reactions=(
        Reaction(events.UserSignedUp, reactions.email_link_on_user_signed_up),
        Reaction(events.KnownAddressSignedUp, reactions.email_owner_on_known_address_signed_up),
        Reaction(events.VerificationRequested, reactions.email_link_on_verification_requested),
        Reaction(events.PasswordResetRequested, reactions.email_link_on_password_reset_requested),
        Reaction(events.PasswordChanged, reactions.email_owner_on_password_changed),
        Reaction(
            events.EmailChangeRequested, reactions.email_new_address_on_email_change_requested
        ),
        Reaction(events.EmailChanged, reactions.email_old_address_on_email_changed),
        Reaction(events.TokenMade, reactions.email_owner_on_token_made),
    ),
    navigation=(
        NavigationItem(_l("Your account"), "accounts.profile", section="self", order=80),
        NavigationItem(
            _l("Users"), "accounts.users", Permission.ACCOUNT_ADMINISTER, "administration"
        ),
    ),
    jobs=(Job("forget_expired_accounts", 3600, lambda: services.forget_expired(SYSTEM)),),
    cli=(cli.users, cli.tokens),
    actor_facts=queries.actor_facts,
    leaving=Leaving(queries.list_hindrances),
    set_up=identity.init_identity,
)
