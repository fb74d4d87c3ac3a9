"""No text that people type ever runs: a corpus of payloads in every text, read in Chromium."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page
from sqlalchemy import String, Text, inspect, select

from portal.accounts.models import User
from portal.agreements.models import Agreement, Milestone, OutcomeClaim
from portal.conversations.models import Message, MessageReport
from portal.facilities.models import Equipment, Facility
from portal.kernel.database import session, unit_of_work
from portal.kernel.search import search_index
from portal.organizations.models import Claim, JoinRequest, Organization
from portal.partnerships.models import Request, Response
from portal.regions.models import Region
from tests.cast import World
from tests.security.payloads import PAYLOADS
from tests.support.server import LiveServer

# Texts that are keys of something; the database or the pages hold them to a vocabulary.
VOCABULARIES = {
    "visibility kind status direction condition sharing_terms source country state county_fips",
    "match_key employee_band ip_status agreement_kind language time_zone email password_hash",
    "external_id key name_key uei ror cage ipeds_id zip_code",
}
NOT_FREE = {name for line in VOCABULARIES for name in line.split()}


class Poisoner:
    """Writes payloads into every free text of rows, each into the next field."""

    def __init__(self) -> None:
        self.written = 0

    def next(self, longest: int | None) -> str:
        """Return as many payloads as fit, starting where the last text ended."""
        pieces: list[str] = []
        while True:
            payload = PAYLOADS[self.written % len(PAYLOADS)]
            if pieces and longest is not None and len("\n".join([*pieces, payload])) > longest:
                return "\n".join(pieces)
            self.written += 1
            pieces.append(payload[:longest] if longest else payload)
            if longest is None and len(pieces) == len(PAYLOADS):
                return "\n\n".join(pieces)

    def poison(self, row: Any) -> None:
        for attribute in inspect(type(row)).column_attrs:
            column = attribute.columns[0]
            if attribute.key in NOT_FREE or not isinstance(column.type, String):
                continue
            longest = None if isinstance(column.type, Text) else column.type.length
            setattr(row, attribute.key, self.next(longest))


@pytest.fixture
def poisoned(indexed: None, world: World) -> int:
    """The cast's world with payloads in every text; its number of payloads written."""
    poisoner = Poisoner()
    with unit_of_work():
        for name in ("shop_public", "college_public"):
            for model, ids in (
                (Facility, world.facilities),
                (Equipment, world.equipment),
                (Request, world.requests),
            ):
                poisoner.poison(session.get_one(model, ids[name]))
        equipment = session.get_one(Equipment, world.equipment["shop_public"])
        equipment.specifications = [
            {"name": text, "value": text, "unit": text} for text in PAYLOADS[:20]
        ]
        for organization_id in world.organizations.values():
            organization = session.get_one(Organization, organization_id)
            poisoner.poison(organization)
            organization.other_names = PAYLOADS[20:40]
            organization.certifications = [
                {"name": text, "expires_on": None} for text in PAYLOADS[40:50]
            ]
            organization.contacts = [
                {"name": text, "role": text, "email": text, "phone": text}
                for text in PAYLOADS[50:60]
            ]
        for user_id in world.users.values():
            session.get_one(User, user_id).name = poisoner.next(120)
        for region_id in world.regions.values():
            poisoner.poison(session.get_one(Region, region_id))
        poisoner.poison(session.get_one(Response, world.responses["college_to_shop"]))
        for message_id in world.messages.values():
            poisoner.poison(session.get_one(Message, message_id))
        report = session.get_one(MessageReport, world.message_reports["cleo_on_ben"])
        report.note = poisoner.next(2000)
        poisoner.poison(session.get_one(Agreement, world.agreements["active"]))
        poisoner.poison(session.get_one(Milestone, world.milestones["shop"]))
        for claim in session.scalars(select(OutcomeClaim)):
            poisoner.poison(claim)
        poisoner.poison(session.get_one(Claim, world.claims["cleo_on_unclaimed"]))
        poisoner.poison(session.get_one(JoinRequest, world.join_requests["eve_to_college"]))
    search_index().rebuild()
    return poisoner.written


def pages(world: World) -> dict[str, list[str]]:
    """Return the pages that show the texts, by whoever is shown most of them."""
    shop, college = world.organizations["shop"], world.organizations["college"]
    facility, equipment = world.facilities["shop_public"], world.equipment["shop_public"]
    request, active = world.requests["shop_public"], world.agreements["active"]
    public = [
        "/",
        "/search",
        "/search?q=script",
        "/organizations",
        f"/organizations/{shop}",
        f"/organizations/{college}",
        "/facilities",
        f"/facilities/{facility}",
        f"/facilities/{facility}/label",
        "/equipment",
        f"/equipment/{equipment}",
        f"/equipment/{equipment}/label",
        "/requests",
        f"/requests/{request}",
        "/regions",
        "/regions/greater-louisville",
    ]
    own = [
        "/desk",
        "/account",
        f"/organizations/{shop}/edit",
        f"/organizations/{shop}/people",
        f"/facilities/{facility}/edit",
        f"/equipment/{equipment}/edit",
        f"/requests/{request}/edit",
        f"/responses/{world.responses['college_to_shop']}",
        "/organizations/mine",
        "/equipment/mine",
        "/requests/mine",
        "/responses",
        "/conversations",
        f"/conversations/{world.threads['shop_college']}",
        "/agreements",
        f"/agreements/{active}",
        f"/agreements/{active}/chain",
        f"/outcomes/{world.outcomes['jobs']}",
    ]
    administered = [
        "/desk",
        f"/organizations/{shop}",
        f"/organizations/{college}/people",
        f"/equipment/{equipment}",
        f"/requests/{request}",
        "/administration/users",
        "/administration/regions",
        f"/message-reports/{world.message_reports['cleo_on_ben']}",
        f"/claims/{world.claims['cleo_on_unclaimed']}",
    ]
    return {"nobody": public, "ana": public + own, "root": administered}


def test_the_corpus_is_large() -> None:
    assert len(set(PAYLOADS)) >= 100


@pytest.mark.long
def test_no_payload_runs_on_any_page(
    poisoned: int,
    live_server: LiveServer,
    open_browser: Callable[..., BrowserContext],
    world: World,
) -> None:
    assert poisoned >= len(PAYLOADS)
    context = open_browser(base_url=live_server.url)
    page = context.new_page()
    ran = watch(page)
    for name, addresses in pages(world).items():
        live_server.sign_in(context, name)
        for address in addresses:
            response = page.goto(address)
            assert response is not None
            assert response.status == 200, (name, address)
            page.evaluate(PROVOKE)
            # Nothing of the payloads became an element or an attribute that could run.
            assert page.evaluate(DANGEROUS) == [], (name, address)
            assert ran == [], (name, address)


def watch(page: Page) -> list[str]:
    """Collect dialogs and navigations away; broken policies fail the test by themselves."""
    ran: list[str] = []

    def dismiss(dialog: Any) -> None:
        ran.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("dialog", dismiss)
    page.on("popup", lambda popup: ran.append(f"popup: {popup.url}"))
    return ran


# Open what is folded and let everything hear the events that payloads wait for.
PROVOKE = """() => {
  document.querySelectorAll('details').forEach(part => { part.open = true })
  const kinds = ['mouseover', 'mouseenter', 'focus', 'error', 'toggle', 'pointerenter']
  document.querySelectorAll('main *').forEach(part =>
    kinds.forEach(kind => part.dispatchEvent(new Event(kind))))
}"""

DANGEROUS = """() => [...document.querySelectorAll('*')].flatMap(part => {
  const found = [...part.attributes]
    .filter(({name, value}) => name.startsWith('on') || name === 'srcdoc' || name === 'style'
      || (['href', 'src', 'action', 'formaction', 'xlink:href', 'data'].includes(name)
        && /^[\\s\\x00-\\x20]*(javascript|vbscript|data:text)/i.test(value)))
    .map(({name, value}) => `${part.tagName} ${name}=${value}`)
  const own = part.src || ''
  if (part.tagName === 'SCRIPT' && !own.startsWith(location.origin + '/static/')) {
    if (!['application/ld+json', 'application/json'].includes(part.type)) found.push('SCRIPT')
  }
  if (['IFRAME', 'OBJECT', 'EMBED', 'BASE', 'MATH', 'APPLET', 'FRAMESET'].includes(part.tagName))
    found.push(part.tagName)
  return found
}).concat(window.xss === undefined ? [] : ['window.xss'])"""
