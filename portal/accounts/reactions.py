"""What follows in accounts: the e-mails that bring links or tell of changes."""

from portal.accounts import events, queries, services
from portal.kernel.authorization import SYSTEM
from portal.kernel.mail import queue_mail, queue_mails
from portal.kernel.web.addresses import external_url


def email_link_on_user_signed_up(event: events.UserSignedUp) -> None:
    """Send the link that confirms the address."""
    _send_verification(event)


def email_link_on_verification_requested(event: events.VerificationRequested) -> None:
    """Send a new link that confirms the address."""
    _send_verification(event)


def email_owner_on_known_address_signed_up(event: events.KnownAddressSignedUp) -> None:
    """Tell the owner of an address that they have an account already."""
    user = queries.find_user(event.user_id)
    if user is not None and user.is_active:
        queue_mails(
            [user],
            "account_known",
            email=user.email,
            sign_in_url=external_url("accounts.sign_in"),
            reset_url=external_url("accounts.request_reset"),
        )


def email_link_on_password_reset_requested(event: events.PasswordResetRequested) -> None:
    """Send the link to choose a new password."""
    user = queries.find_user(event.user_id)
    if user is not None and user.is_active:
        token = services.make_link(SYSTEM, user, purpose="reset", email=user.email)
        queue_mails(
            [user],
            "password_reset",
            email=user.email,
            url=external_url("accounts.reset_password", token=token),
            hours=services.LINK_HOURS["reset"],
        )


def email_owner_on_password_changed(event: events.PasswordChanged) -> None:
    """Tell the owner that the password has changed."""
    user = queries.find_user(event.user_id)
    if user is not None:
        queue_mails(
            [user],
            "password_changed",
            ended_tokens=event.ended_tokens,
            reset_url=external_url("accounts.request_reset"),
        )


def email_new_address_on_email_change_requested(event: events.EmailChangeRequested) -> None:
    """Send the link that moves the account, or tell an owner that the address is taken."""
    user = queries.find_user(event.user_id)
    if user is None or not user.is_active or user.email == event.email:
        return
    owner = queries.find_user_by_email(event.email)
    if owner is not None:
        email_owner_on_known_address_signed_up(events.KnownAddressSignedUp(owner.id))
        return
    token = services.make_link(SYSTEM, user, purpose="change_email", email=event.email)
    queue_mail(
        event.email,
        "email_change",
        reader=user,
        url=external_url("accounts.change_email", token=token),
        hours=services.LINK_HOURS["change_email"],
    )


def email_old_address_on_email_changed(event: events.EmailChanged) -> None:
    """Tell the old address that the account has left it."""
    user = queries.find_user(event.user_id)
    if user is not None:
        queue_mail(event.old_email, "email_changed", reader=user)


def email_owner_on_token_made(event: events.TokenMade) -> None:
    """Tell the owner that a token was made."""
    user = queries.find_user(event.user_id)
    if user is not None:
        queue_mails(
            [user],
            "token_made",
            url=external_url("accounts.tokens"),
        )


def _send_verification(event: events.UserSignedUp | events.VerificationRequested) -> None:
    user = queries.find_user(event.user_id)
    if user is None or not user.is_active or user.email_verified_at is not None:
        return
    token = services.make_link(SYSTEM, user, purpose="verify", email=user.email)
    queue_mails(
        [user],
        "email_verification",
        email=user.email,
        url=external_url("accounts.verify_email", token=token, next=event.target or None),
        hours=services.LINK_HOURS["verify"],
    )
