"""What facilities plug into the app."""

from flask_babel import lazy_gettext as _l

from portal.facilities import api, documents
from portal.facilities.events import (
    EquipmentDeleted,
    EquipmentSaved,
    FacilityDeleted,
    FacilitySaved,
)
from portal.facilities.policies import policy
from portal.facilities.queries.desk import list_drafts, list_stale
from portal.facilities.queries.listings import equipment_section, facility_section
from portal.facilities.views import equipment as equipment_views
from portal.facilities.views import facilities as facility_views
from portal.facilities.views import lists as list_views
from portal.facilities.views.blueprint import blueprint
from portal.kernel.manifest import DeskSection, Manifest, NavigationItem, RecordSection, Searchable
from portal.organizations.events import (
    OrganizationArchived,
    OrganizationChanged,
    OrganizationRestored,
    OrganizationVerified,
)

# The modules of views fill the blueprint when they are loaded.
_VIEWS = (equipment_views, facility_views, list_views)

_OF_ORGANIZATION = (
    OrganizationArchived,
    OrganizationChanged,
    OrganizationRestored,
    OrganizationVerified,
)

manifest = Manifest(
    name="facilities",
    blueprints=(blueprint, api.blueprint),
    policy=policy,
    navigation=(
        NavigationItem(_l("Equipment"), "facilities.list_equipment", order=30),
        NavigationItem(_l("Facilities"), "facilities.list_facilities", order=31),
        NavigationItem(_l("What you offer"), "facilities.list_own", section="sharing", order=20),
    ),
    searchables=(
        Searchable(
            kind="facility",
            label=_l("Facilities"),
            documents=documents.list_facility_documents,
            list_ids=documents.list_facility_ids,
            changed_by={
                FacilitySaved: lambda event: [event.facility_id],
                FacilityDeleted: lambda event: [event.facility_id],
                **dict.fromkeys(
                    _OF_ORGANIZATION,
                    lambda event: documents.facility_ids_of_organization(event.organization_id),
                ),
            },
            viewing=documents.VIEWING_FACILITIES,
        ),
        Searchable(
            kind="equipment",
            label=_l("Equipment"),
            documents=documents.list_equipment_documents,
            list_ids=documents.list_equipment_ids,
            changed_by={
                EquipmentSaved: lambda event: [event.equipment_id],
                EquipmentDeleted: lambda event: [event.equipment_id],
                # Equipment has the place of its facility.
                FacilitySaved: lambda event: documents.equipment_ids_of_facility(event.facility_id),
                FacilityDeleted: lambda event: list(event.equipment_ids),
                **dict.fromkeys(
                    _OF_ORGANIZATION,
                    lambda event: documents.equipment_ids_of_organization(event.organization_id),
                ),
            },
            viewing=documents.VIEWING_EQUIPMENT,
        ),
    ),
    sections=(
        RecordSection(
            kind="organization",
            title=_l("Facilities"),
            template="facilities/section.html",
            load=facility_section,
            order=20,
        ),
        RecordSection(
            kind="organization",
            title=_l("Equipment"),
            template="facilities/section.html",
            load=equipment_section,
            order=30,
        ),
    ),
    desk=(
        DeskSection(
            title=_l("Drafts to publish"),
            empty=_l("No drafts. What you save without publishing waits here."),
            items=list_drafts,
            order=40,
        ),
        DeskSection(
            title=_l("To confirm again"),
            empty=_l("Everything you offer was confirmed within half a year."),
            items=list_stale,
            order=60,
        ),
    ),
)
