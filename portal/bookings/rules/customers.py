"""Which class of customers an organization is to a host; rules and rates differ by it."""

ACADEMIC_KINDS = ("university", "community_college", "research_lab")


def customer_class_of(host_id: int, organization_id: int, organization_kind: str) -> str:
    """Return the class of `facilities.rules.CUSTOMER_CLASSES` that an organization is in."""
    if organization_id == host_id:
        return "own_organization"
    if organization_kind == "sme":
        return "member_sme"
    return "academic" if organization_kind in ACADEMIC_KINDS else "other"
