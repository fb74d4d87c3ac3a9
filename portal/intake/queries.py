"""Reads of imports, and the rows of exports."""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from portal.facilities.models import Equipment, Facility
from portal.facilities.policies import Permission as FacilityPermission
from portal.facilities.queries.records import (
    list_equipment_to_export,
    list_facilities_to_export,
    place_of_record,
)
from portal.facilities.rules import ADDRESSES
from portal.intake.models import ImportFinding, ImportRun
from portal.intake.policies import Permission
from portal.intake.rules.rows import own_id, own_number
from portal.intake.rules.runs import KEPT_DAYS, SHOWN_FINDINGS
from portal.intake.rules.uniquip import PERSONAL, UNIQUIP_FIELDS, uniquip_cells, without_people
from portal.kernel.authorization import Actor, authorize, can, visible
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.errors import Invalid, NotFound
from portal.kernel.manifest import DeskItem
from portal.kernel.paging import Page, keyset_page
from portal.kernel.settings import setting
from portal.kernel.spreadsheets import amount_cell
from portal.organizations.models import Organization
from portal.organizations.queries import profiles
from portal.skills import queries as skills
from portal.training.models.programs import Program
from portal.training.models.sections import Section
from portal.training.policies import Permission as TrainingPermission
from portal.training.queries.listings import list_programs_to_export, list_sections_to_export
from portal.training.queries.programs import get_program
from portal.training.queries.sections import get_section, online_to
from portal.training.rules.catalogs import COLUMNS as PROGRAM_COLUMNS
from portal.training.rules.catalogs import SECTION_COLUMNS, write_weekdays
from portal.training.rules.sections import schedule_words

MOST_EXPORTED = 200_000
_CHUNK = 500

ORGANIZATION_COLUMNS = (
    "name",
    "other_names",
    "kind",
    "summary",
    "description",
    "website",
    "phone",
    "email",
    "street",
    "city",
    "state",
    "zip_code",
    "county_fips",
    "latitude",
    "longitude",
    "country",
    "employee_band",
    "naics_codes",
    "capabilities",
    "certifications",
    "ownership",
    "uei",
    "ror",
    "cage",
    "ipeds_id",
    "contacts",
)


# Imports


def get_visible_run(actor: Actor, run_id: int) -> ImportRun:
    """Return an import with its file and organization, if the actor may see it."""
    run = session.scalar(
        select(ImportRun)
        .options(joinedload(ImportRun.organization), joinedload(ImportRun.file))
        .where(ImportRun.id == run_id)
        .execution_options(populate_existing=True)
    )
    if run is None:
        raise NotFound()
    authorize(actor, Permission.IMPORT_VIEW, run)
    return run


def list_runs(actor: Actor, *, cursor: str | None = None) -> Page[ImportRun]:
    """Return a page of the actor's imports, newest first."""
    authorize(actor, Permission.IMPORT_BEGIN)
    statement = (
        select(ImportRun)
        .options(joinedload(ImportRun.organization))
        .where(ImportRun.user_id == actor.user_id, visible(actor, Permission.IMPORT_VIEW))
    )
    return keyset_page(statement, (ImportRun.id,), cursor=cursor, descending=True)


def list_findings(run: ImportRun, limit: int = SHOWN_FINDINGS) -> list[ImportFinding]:
    """Return what there is to tell about an import's rows, by line."""
    return list(
        session.scalars(
            select(ImportFinding)
            .where(ImportFinding.run_id == run.id)
            .order_by(ImportFinding.line, ImportFinding.id)
            .limit(limit)
        )
    )


def find_next_run(preferred_id: int | None = None) -> ImportRun | None:
    """Return the preferred import, or else the one that has waited longest, or None."""
    return session.scalar(
        select(ImportRun)
        .options(
            joinedload(ImportRun.user),
            joinedload(ImportRun.organization),
            joinedload(ImportRun.file),
        )
        .where(ImportRun.status.in_(("checking", "importing")))
        .order_by(
            case((ImportRun.id == preferred_id, 0), else_=1), ImportRun.updated_at, ImportRun.id
        )
        .limit(1)
        .execution_options(populate_existing=True)
    )


def list_outdated_runs(limit: int = 100) -> list[ImportRun]:
    """Return the imports whose file has been kept long enough, the oldest first."""
    return list(
        session.scalars(
            select(ImportRun)
            .options(joinedload(ImportRun.file))
            .where(
                ImportRun.file_id.is_not(None),
                ImportRun.created_at < now() - dt.timedelta(days=KEPT_DAYS),
            )
            .order_by(ImportRun.created_at, ImportRun.id)
            .limit(limit)
        )
    )


def list_runs_for_desk(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the actor's imports that wait for a decision or have ended, oldest first."""
    rows = session.scalars(
        select(ImportRun)
        .where(
            ImportRun.user_id == actor.user_id,
            ImportRun.status.in_(("checked", "done", "failed")),
        )
        .order_by(ImportRun.updated_at, ImportRun.id)
        .limit(limit)
    )
    return [_desk_item(run) for run in rows]


def _desk_item(run: ImportRun) -> DeskItem:
    titles = {
        "checked": _("%(name)s is ready to be imported", name=run.file_name),
        "done": _("%(name)s was imported", name=run.file_name),
        "failed": _("%(name)s could not be imported", name=run.file_name),
    }
    number = run.counts.get("refused", 0)
    return DeskItem(
        titles[run.status],
        f"/imports/{run.id}",
        run.updated_at,
        detail=(
            ngettext("%(num)d row with a problem", "%(num)d rows with problems", number)
            if number
            else ""
        ),
        action=_("Look and import") if run.status == "checked" else _("Read the report"),
    )


def find_namesakes(keys: Collection[str]) -> dict[tuple[str, str], str]:
    """Return names by (folded name, state) of organizations that IPEDS does not know yet."""
    rows = session.execute(
        select(Organization.match_key, Organization.state, Organization.name).where(
            Organization.match_key.in_(keys),
            Organization.ipeds_id.is_(None),
            Organization.status == "active",
        )
    )
    return {(row.match_key, row.state): row.name for row in rows}


def find_own_record(
    kind: str, organization_id: int, number: int | None
) -> Facility | Equipment | None:
    """Return a record that was made here (not imported) by the number in its exported ID."""
    model: Any = Facility if kind == "facility" else Equipment
    if number is None:
        return None
    found: Facility | Equipment | None = session.scalar(
        select(model)
        .options(
            selectinload(model.capabilities),
            *([selectinload(Equipment.rates)] if kind == "equipment" else ()),
        )
        .where(
            model.id == number,
            model.organization_id == organization_id,
            model.external_id.is_(None),
        )
    )
    return found


def facility_ids_by_exported_id(organization_id: int) -> dict[str, int]:
    """Return an organization's facilities by the ID that an export gives them."""
    rows = session.execute(
        select(Facility.id, Facility.external_id).where(Facility.organization_id == organization_id)
    )
    return {row.external_id or own_id("facility", row.id): row.id for row in rows}


# Exports


def uniquip_rows(
    actor: Actor, *, organization_id: int | None = None, keeps_contacts: bool = False
) -> Iterator[list[str]]:
    """Return the facilities and equipment that the actor may see, in the columns of UNIQUIP.

    keeps_contacts: whether people are named although the actor may not see whom to call.
    """
    keeps_contacts = keeps_contacts or can(actor, FacilityPermission.FACILITY_VIEW_CONTACT)
    hidden: dict[int, bool] = {}
    number = 0
    for load in (list_facilities_to_export, list_equipment_to_export):
        after = 0
        while records := load(actor, organization_id=organization_id, after=after, limit=_CHUNK):
            for record in records:
                number += 1
                if number > MOST_EXPORTED:
                    return
                yield _uniquip_row(actor, record, hidden, keeps_contacts)
            after = records[-1].id
            session.expunge_all()


def _uniquip_row(
    actor: Actor, record: Facility | Equipment, hidden: dict[int, bool], keeps_contacts: bool
) -> list[str]:
    kind = "facility" if isinstance(record, Facility) else "equipment"
    organization = record.organization
    if organization.id not in hidden:
        hidden[organization.id] = "contacts" in profiles.hidden_fields_for(actor, organization)
    place = place_of_record(record)
    base = str(setting("PUBLIC_URL")).rstrip("/")
    address = base + ADDRESSES[kind] % record.id
    facility = record if isinstance(record, Facility) else record.facility
    if facility is not None and not can(actor, FacilityPermission.FACILITY_VIEW, facility):
        facility = None
    contact = {"name": "", "phone": "", "email": ""}
    if facility is not None and keeps_contacts:
        contact = {
            "name": facility.contact_name,
            "phone": facility.contact_phone,
            "email": facility.contact_email,
        }
    if not any(contact.values()) and organization.contacts and not hidden[organization.id]:
        contact = organization.contacts[0]
    written = {
        "Type": kind,
        "Location": place.town,
        "Contact Name": contact["name"],
        "Contact Telephone": contact["phone"],
        "Contact Email": contact["email"],
        "Contact URL": organization.website,
        "ID": record.external_id or own_id(kind, record.id),
        "Photo": f"{address}/photos/{record.photos[0].id}" if record.photos else "",
        "Building": place.street,
        "Web Address": address,
    }
    if kind == "equipment" and facility is not None:
        written["Related Facility ID"] = facility.external_id or own_id("facility", facility.id)
    for column, name in UNIQUIP_FIELDS[kind].items():
        if keeps_contacts or column not in PERSONAL:
            written[column] = getattr(record, name)
    kept = record.external_values if keeps_contacts else without_people(record.external_values)
    return uniquip_cells(written, kept)


def known_words(
    organization_id: int, values: Mapping[str, Any]
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return the values of a program without words that are not known here, and those words.

    Of credentials, only those that the organization can award are known.
    """
    kept = dict(values)
    unknown: list[tuple[str, str]] = []
    if kept.get("skills"):
        known = skills.match_skills(kept["skills"])
        unknown += [("skills", text) for text in kept["skills"] if text not in known]
        kept["skills"] = list(dict.fromkeys(known.values()))
    if text := kept.get("credential"):
        try:
            issuer_id = skills.get_named_credential(text).issuer_organization_id
        except Invalid:
            issuer_id = 0
        if issuer_id not in (None, organization_id):
            unknown.append(("credential", kept.pop("credential")))
    if text := kept.get("occupation"):
        try:
            skills.get_occupation(text)
        except Invalid:
            unknown.append(("occupation", kept.pop("occupation")))
    return kept, unknown


def find_own_program(organization_id: int, number: int | None) -> Program | None:
    """Return a program that was made here (not imported) by the number in its exported ID."""
    if number is None:
        return None
    return session.scalar(
        select(Program).where(
            Program.id == number,
            Program.organization_id == organization_id,
            Program.external_id.is_(None),
        )
    )


def get_named_program(organization_id: int, text: str) -> Program:
    """Return a program by its exported ID, or by its title. Raises Invalid("program")."""
    number = own_number("program", text)
    programs = session.scalars(
        select(Program)
        .where(
            Program.organization_id == organization_id,
            or_(
                Program.external_id == text,
                and_(Program.id == number, Program.external_id.is_(None)),
                Program.title == text,
                # SQLite knows no case of letters with accents.
                func.lower(Program.title) == text.lower(),
            ),
        )
        .order_by(Program.id)
        .limit(2)
    ).all()
    if not programs:
        raise Invalid("program", _("We do not know a program of this name or ID."))
    if len(programs) > 1:
        raise Invalid("program", _("Several programs have this title. Give its ID instead."))
    return get_program(programs[0].id)


def find_section(program: Program, external_id: str) -> Section | None:
    """Return a section of a program by the ID that a table gives it."""
    number = own_number("section", external_id)
    found = session.scalar(
        select(Section.id).where(
            Section.program_id == program.id,
            or_(
                Section.external_id == external_id,
                and_(Section.id == number, Section.external_id.is_(None)),
            ),
        )
    )
    return get_section(found) if found is not None else None


def facility_of_table(
    actor: Actor, organization_id: int, text: str, *, present_id: int | None
) -> int | None:
    """Return the number of a facility by its exported ID, or by its name in an organization.

    present_id: where the section is held already, whether its host still shows it or not.
    Raises Invalid("facility_id"), alike for what is not there and what the actor does not see.
    """
    if not text:
        return None
    number = own_number("facility", text)
    if number is not None and number == present_id:
        return number
    own = session.scalars(
        select(Facility.id)
        .where(
            or_(
                Facility.id == number,
                and_(
                    Facility.organization_id == organization_id,
                    or_(Facility.external_id == text, Facility.name == text),
                ),
            ),
            visible(actor, FacilityPermission.FACILITY_VIEW),
        )
        .order_by(Facility.id)
        .limit(2)
    ).all()
    if len(own) != 1:
        raise Invalid("facility_id", _("We do not know one facility of this name or ID."))
    return own[0]


def section_rows(actor: Actor, *, organization_id: int | None = None) -> Iterator[list[str]]:
    """Return the sections that the actor may see, in columns that an import takes."""
    after, number = 0, 0
    while found := list_sections_to_export(actor, organization_id=organization_id, after=after):
        online = online_to(actor, found)
        for section in found:
            number += 1
            if number > MOST_EXPORTED:
                return
            yield _section_row(actor, section, section.id in online)
        after = found[-1].id
        session.expunge_all()


def _section_row(actor: Actor, section: Section, sees_online: bool) -> list[str]:
    program, facility = section.program, section.facility
    said = schedule_words(
        section.schedule, section.starts_on, None if section.meetings else section.ends_on
    )
    room = ""
    if facility is not None and (
        can(actor, FacilityPermission.FACILITY_VIEW, facility)
        # Or the table would take it away when it comes back.
        or can(actor, TrainingPermission.SECTION_EDIT, section)
    ):
        # What another host calls it may be something else here.
        is_own = facility.organization_id == section.organization_id
        room = (facility.external_id if is_own else None) or own_id("facility", facility.id)
    written = {
        **{name: _plain_cell(value) for name, value in said.items()},
        "id": section.external_id or own_id("section", section.id),
        "program_id": program.external_id or own_id("program", program.id),
        "program": program.title,
        "weekdays": write_weekdays(int(day) for day in said.get("weekdays", ())),
        "except_dates": "; ".join(said.get("except_dates", ())),
        "facility": room,
        "online_url": section.online_url if sees_online else "",
        "needs_approval": "yes" if section.needs_approval else "no",
        "prices": "; ".join(
            f"{price.customer_class} | {amount_cell(price.price_cents)}" for price in section.prices
        ),
    }
    if section.facility_id is not None:
        # The address is the facility's.
        written |= dict.fromkeys(("street", "city", "state", "zip_code"), "")
    return [
        written[name] if name in written else _plain_cell(getattr(section, name, None))
        for name in SECTION_COLUMNS
    ]


def list_programs(
    actor: Actor, *, organization_id: int | None = None
) -> Iterator[tuple[Program, list[Section]]]:
    """Return the programs that the actor may see, each with its sections to come."""
    after, number = 0, 0
    while found := list_programs_to_export(actor, organization_id=organization_id, after=after):
        for program, sections in found:
            number += 1
            if number > MOST_EXPORTED:
                return
            yield program, sections
        after = found[-1][0].id
        session.expunge_all()


def program_rows(actor: Actor, *, organization_id: int | None = None) -> Iterator[list[str]]:
    """Return the programs that the actor may see, in columns that an import takes."""
    for program, _sections in list_programs(actor, organization_id=organization_id):
        wages = [
            f"{row['period']} | {amount_cell(row['wage_cents'])}" for row in program.wage_schedule
        ]
        credential = program.credential
        written = {
            "id": program.external_id or own_id("program", program.id),
            "skills": "; ".join(skill.key for skill in program.skills),
            "credential": f"{credential.name} ({credential.issuer})" if credential else "",
            "cost": amount_cell(program.cost_cents),
            "funding": "; ".join(program.funding),
            "occupation": program.occupation_code or "",
            "wage_schedule": "; ".join(wages),
        }
        yield [
            written[name] if name in written else _plain_cell(getattr(program, name))
            for name in PROGRAM_COLUMNS
        ]


def _plain_cell(value: object) -> str:
    return "" if value is None else str(value)


def organization_rows(actor: Actor) -> Iterator[list[str]]:
    """Return the organizations that the actor may see, in columns that an import takes."""
    cursor, number = None, 0
    while True:
        found = profiles.list_profiles(actor, cursor=cursor, limit=100)
        for organization in found.items:
            number += 1
            if number > MOST_EXPORTED:
                return
            hidden = profiles.hidden_fields_for(actor, organization)
            exact = (organization.latitude, organization.longitude)
            point = organization.coarse_point if "street" in hidden else exact
            latitude, longitude = point or (None, None)
            point_cells = {
                "latitude": "" if latitude is None else str(latitude),
                "longitude": "" if longitude is None else str(longitude),
            }
            yield [
                "" if name in hidden else point_cells.get(name, _cell(organization, name))
                for name in ORGANIZATION_COLUMNS
            ]
        cursor = found.next
        session.expunge_all()
        if cursor is None:
            return


def _cell(organization: Organization, name: str) -> str:
    if name == "capabilities":
        return "; ".join(item.key for item in organization.capabilities)
    value = getattr(organization, name)
    if name == "certifications":
        return "; ".join(f"{row['name']} {row.get('expires_on') or ''}".strip() for row in value)
    if name == "contacts":
        return "; ".join(
            " | ".join(row.get(key, "") for key in ("name", "role", "email", "phone"))
            for row in value
        )
    if isinstance(value, list):
        return "; ".join(value)
    return "" if value is None else str(value)
