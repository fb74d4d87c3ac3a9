"""The shape of the credentials that organizations issue, and the fields by which other forms name
skills, occupations and credentials."""

from types import SimpleNamespace
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.kernel.fields import (
    ChoiceField,
    ListField,
    RecordField,
    TextField,
    UrlField,
    WholeNumberField,
)
from portal.kernel.forms import Form
from portal.skills.models import Credential
from portal.skills.rules import CREDENTIAL_KINDS


class SkillsField(ListField):
    """Skills, by key or by name in any language; `queries.get_skills` tells which."""

    def __init__(self, label: Any = None, **kwargs: Any) -> None:
        kwargs.setdefault("most", 30)
        super().__init__(label, longest=120, **kwargs)


class SkillField(TextField):
    """One skill, by key or by name in any language; `queries.get_named_skill` tells which."""

    def __init__(self, label: Any = None, **kwargs: Any) -> None:
        super().__init__(label, longest=120, **kwargs)


class OccupationField(TextField):
    """An occupation, by code or title; `queries.get_occupation` tells which."""

    def __init__(self, label: Any = None, **kwargs: Any) -> None:
        super().__init__(label, longest=220, **kwargs)


class CredentialField(TextField):
    """A credential, by number or name; `queries.get_named_credential` tells which."""

    def __init__(self, label: Any = None, **kwargs: Any) -> None:
        super().__init__(label, longest=410, **kwargs)


class CredentialForm(Form):
    """A credential that an organization issues itself."""

    name = TextField(_l("Name"), is_required=True)
    kind = ChoiceField(
        _l("Kind"), choices=CREDENTIAL_KINDS, is_required=True, default="certificate"
    )
    abbreviation = TextField(_l("Abbreviation"), longest=20)
    skills = SkillsField(
        _l("Skills that it proves"), description=_l("One per line, such as MIG welding or G-code.")
    )
    valid_months = WholeNumberField(
        _l("Good for"),
        least=1,
        most=600,
        unit=_l("months"),
        description=_l("Empty: it does not expire."),
    )
    url = UrlField(_l("Web address"), description=_l("Where you say more about it."))


class NewCredentialForm(CredentialForm):
    """A new credential, and whose it is."""

    organization_id = RecordField(_l("Issued by"), is_required=True)


def credential_values(credential: Credential, *, is_page: bool = False) -> SimpleNamespace:
    """Return a loaded credential as its form has it; a page names skills by their names."""
    return SimpleNamespace(
        name=credential.name,
        kind=credential.kind,
        abbreviation=credential.abbreviation,
        skills=[skill.name if is_page else skill.key for skill in credential.skills],
        valid_months=credential.valid_months,
        url=credential.url,
    )
