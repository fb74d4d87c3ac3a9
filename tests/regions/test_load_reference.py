"""Loading the reference data: complete, idempotent, only by the portal itself."""

import json

import pytest
from sqlalchemy import func, select, update

from portal.kernel.authorization import SYSTEM
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Forbidden, Unauthenticated
from portal.regions import services
from portal.regions.models import Region, State
from portal.regions.queries.counties import outlines_of
from portal.regions.queries.regions import get_region
from tests.regions.test_rules import TOPOLOGY


def test_loading_again_changes_only_what_is_new_or_no_longer_right(world, tmp_path):
    steps = []
    first = services.load_reference(
        SYSTEM, progress=lambda done, total: steps.append((done, total))
    )
    assert first.added > 50_000
    assert steps == sorted(steps)
    assert steps[-1] == (first.total, first.total)

    file = tmp_path / "counties.json"
    file.write_text(json.dumps(TOPOLOGY), "utf-8")
    outlined = services.load_reference(SYSTEM, outlines=file)
    assert outlined.has_outlines
    assert (outlined.added, outlined.changed, outlined.removed) == (0, 2, 0)
    outlines = outlines_of(["01001", "01003", "21111"])
    assert set(outlines) == {"01001", "01003"}
    assert all(len(point) == 2 for point in outlines["01001"][0])
    again = services.load_reference(SYSTEM, outlines=file)
    assert again.is_unchanged
    assert again.total == outlined.total
    without = services.load_reference(SYSTEM, outlines=tmp_path / "missing.json")
    assert without.is_unchanged
    assert without.total == first.total
    assert not without.has_outlines
    assert set(outlines_of(["01001"])) == {"01001"}

    with unit_of_work():
        session.execute(update(State).where(State.code == "KY").values(name="Kaintuck"))
    repaired = services.load_reference(SYSTEM)
    assert (repaired.added, repaired.changed, repaired.removed) == (0, 1, 0)
    assert session.scalar(select(State.name).where(State.code == "KY")) == "Kentucky"
    region = get_region(world.regions["greater-louisville"])
    assert [county.fips for county in region.counties] == ["18019", "21111"]
    assert session.scalar(select(func.count()).select_from(Region)) == 2


@pytest.mark.parametrize(
    ("name", "refusal"), [("nobody", Unauthenticated), ("dov", Forbidden), ("root", Forbidden)]
)
def test_only_the_portal_itself_loads_reference_data(actor, name, refusal):
    with pytest.raises(refusal):
        services.load_reference(actor(name))
