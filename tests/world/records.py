"""What organizations list and ask for: facilities, equipment, requests, imports, saved searches."""

import datetime as dt
import hashlib

from portal.directory.models import SavedSearch
from portal.facilities.models import Equipment, EquipmentRate, Facility
from portal.intake.models import ImportRun
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.partnerships.models import Mandate, Request, Response
from tests.cast import MANDATE_TOKEN, World
from tests.world.reference import capability_of


def add_records(world: World) -> None:
    for owner, person in (("shop", "ana"), ("college", "cleo"), ("aero", "eve")):
        for visibility in ("draft", "organization", "members", "public"):
            name = f"{owner}_{visibility}"
            common = {
                "organization_id": world.organizations[owner],
                "created_by_id": world.users[person],
                "visibility": visibility,
            }
            facility = Facility(
                name=f"{owner.capitalize()} {visibility} lab",
                kind="lab",
                summary=f"A {visibility} lab of the {owner}.",
                county_fips="20173" if owner == "aero" else "21111",
                latitude=37.6889 if owner == "aero" else 38.2529,
                longitude=-97.3361 if owner == "aero" else -85.7514,
                **common,
            )
            session.add(facility)
            session.flush()
            world.facilities[name] = facility.id
            equipment = Equipment(
                name=f"{owner.capitalize()} {visibility} mill",
                make="Haas",
                model="UMC-750",
                serial_number=f"SN-{name}",
                sharing_terms="by_request",
                facility_id=facility.id,
                summary=f"A {visibility} mill of the {owner}.",
                **common,
            )
            equipment.capabilities = [capability_of("5-axis-milling")]
            equipment.rates = [EquipmentRate(customer_class="other", unit="hour", price_cents=8500)]
            request = Request(
                kind="equipment_sharing",
                direction="need",
                title=f"{owner.capitalize()} {visibility} need",
                summary=f"The {owner} looks for a machine ({visibility}).",
                expertise_sought="Somebody who measures.",
                status="draft" if visibility == "draft" else "published",
                published_at=None if visibility == "draft" else now(),
                expires_on=(now() + dt.timedelta(days=90)).date(),
                county_fips="20173" if owner == "aero" else "21111",
                **common,
            )
            session.add_all([equipment, request])
            session.flush()
            world.equipment[name] = equipment.id
            world.requests[name] = request.id
    response = Response(
        request_id=world.requests["shop_public"],
        organization_id=world.organizations["college"],
        message="Our measuring machine is free on Fridays.",
        created_by_id=world.users["cleo"],
    )
    session.add(response)
    session.flush()
    world.responses["college_to_shop"] = response.id
    proposed = Request(
        organization_id=world.organizations["unclaimed"],
        created_by_id=world.users["dov"],
        is_on_behalf=True,
        kind="equipment_sharing",
        direction="need",
        title="A tensile tester for a week",
        summary="The institute tests forty samples of steel.",
        expertise_sought="Somebody who clamps them.",
        status="proposed",
        visibility="public",
        expires_on=(now() + dt.timedelta(days=90)).date(),
        county_fips="21111",
    )
    proposed.capabilities = [capability_of("metrology")]
    session.add(proposed)
    session.flush()
    mandate = Mandate(
        request_id=proposed.id,
        email="office@institute.example",
        language="en",
        token_hash=hashlib.sha256(MANDATE_TOKEN.encode()).hexdigest(),
        asked_by_id=world.users["dov"],
        expires_at=now() + dt.timedelta(days=14),
    )
    session.add(mandate)
    session.flush()
    world.proposals["unclaimed"] = proposed.id
    world.mandates["unclaimed"] = mandate.id
    run = ImportRun(
        user_id=world.users["cleo"],
        organization_id=world.organizations["college"],
        file_name="catalog.csv",
        source_format="uniquip",
        visibility="public",
        status="checked",
    )
    session.add(run)
    session.flush()
    world.import_runs["cleo_college"] = run.id
    for name, keeper in (
        ("ana", {"user_id": world.users["ana"]}),
        ("shop", {"organization_id": world.organizations["shop"]}),
    ):
        saved = SavedSearch(
            name=f"Presses for {name}",
            query="q=press",
            channel="desk",
            frequency="weekly",
            due_at=now() + dt.timedelta(days=7),
            **keeper,
        )
        session.add(saved)
        session.flush()
        world.saved_searches[name] = saved.id
