"""Loading skills and credentials: complete, idempotent, and no loss for what people wrote."""

import pytest
from sqlalchemy import func, select, update

from portal.kernel.authorization import SYSTEM
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Forbidden
from portal.skills import services
from portal.skills.models import Credential, Skill, SkillName, credential_skill, skill_capability


def count(table):
    return session.scalar(select(func.count()).select_from(table))


def test_loading_again_changes_only_what_is_no_longer_right(world):
    added, _changed, _removed = services.load_skills(SYSTEM)
    assert added > 2500
    assert count(Skill) >= 350
    # Of the cast's few capabilities only.
    assert 0 < count(skill_capability) < 60
    assert services.load_skills(SYSTEM) == (0, 0, 0)
    with unit_of_work():
        session.execute(update(Skill).where(Skill.key == "mig-welding").values(label="Glue"))
        session.execute(update(SkillName).where(SkillName.match_key == "gmaw").values(text="gm"))
    assert services.load_skills(SYSTEM) == (0, 2, 0)
    assert session.scalar(select(Skill.label).where(Skill.key == "mig-welding")) == "MIG welding"
    own = session.get_one(Credential, world.credentials["college"])
    proven = select(credential_skill.c.skill_key).where(credential_skill.c.credential_id == own.id)
    assert session.scalars(proven).all() == ["cmm-operation"]


def test_only_the_portal_itself_loads_skills(actor):
    with pytest.raises(Forbidden):
        services.load_skills(actor("root"))
