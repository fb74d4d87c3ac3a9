"""A small portal that shows every skeleton and component, for tests and for looking at.

`python -m tests.interface.gallery 5099` serves it on loopback; it has no database.
"""

import datetime as dt
import sys
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, request
from flask.typing import ResponseReturnValue
from flask_login import LoginManager
from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from sqlalchemy.exc import OperationalError
from wtforms import (
    FieldList,
    FormField,
    HiddenField,
    MultipleFileField,
    PasswordField,
    RadioField,
    SelectMultipleField,
)
from wtforms.fields.choices import SelectChoice

from config import ENVIRONMENTS
from portal.directory.views.results import FacetList, facet_list, rows_of, value_link
from portal.kernel import fields, forms
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.database import init_database
from portal.kernel.errors import Unauthenticated
from portal.kernel.fulltext.port import MATCH, MATCH_END, Fragment, Hit, Suggestion
from portal.kernel.manifest import NavigationItem
from portal.kernel.web.answers import flash, not_modified, page, see_other
from portal.kernel.web.arguments import confirmed
from portal.kernel.web.setup import init_web
from portal.kernel.web.viewer import set_actor
from portal.kernel.workflow import Transition

ROOT = Path(__file__).resolve().parents[2]
ANA = Actor(user_id=1, name="Ana Alvarez", memberships={1: "owner"})

CAPABILITIES = {
    "Machining": [
        "5-axis milling",
        "CNC turning",
        "Wire EDM",
        "Surface grinding",
        "Deep-hole drilling",
    ],
    "Joining": ["TIG welding", "Laser welding", "Friction stir welding", "Adhesive bonding"],
    "Metrology": ["Coordinate measuring", "Optical scanning", "Surface roughness", "CT inspection"],
    "Additive": ["Selective laser melting", "Binder jetting", "Fused filament", "Directed energy"],
}


class Specification(forms.Form):
    """One line of a data sheet."""

    name = fields.TextField("Name", longest=60)
    value = fields.TextField("Value", longest=60)
    unit = fields.TextField("Unit", longest=20)


class EquipmentForm(forms.Form):
    """Every kind of field that the portal's forms use."""

    record = HiddenField()
    name = fields.TextField(
        "Name", is_required=True, description="What people call it, for example “Bridge CMM”."
    )
    summary = fields.LongTextField("Summary", longest=280, description="One or two sentences.")
    description = fields.MarkdownField("Description", description="You can use Markdown.")
    condition = fields.ChoiceField(
        "Condition",
        choices={"new": "New", "good": "Good", "fair": "Fair", "needs_repair": "Needs repair"},
    )
    sharing_terms = RadioField(
        "Who may use it",
        choices=[
            SelectChoice("in_house", "In-house only"),
            SelectChoice("by_request", "By request", {"help": "People ask, you answer."}),
            SelectChoice("bookable", "Bookable"),
        ],
        default="by_request",
    )
    operator_provided = fields.YesNoField("We provide an operator")
    customers = fields.ChoicesField(
        "Who is it for",
        choices={"member_sme": "Member firms", "academic": "Academic", "other": "Others"},
    )
    capabilities = SelectMultipleField(
        "Capabilities",
        choices=[
            SelectChoice(name.lower().replace(" ", "-"), name, optgroup=group)
            for group, names in CAPABILITIES.items()
            for name in names
        ],
        description="What it can do, in the region's words.",
    )
    other_names = fields.ListField("Other names")
    year = fields.WholeNumberField("Year", least=1900, most=2100)
    radius_miles = fields.WholeNumberField("Within", unit="miles", most=500)
    price_cents = fields.MoneyField("Price per hour")
    wanted_by = fields.DateField("Wanted by")
    email = fields.EmailField("E-mail")
    website = fields.UrlField("Website")
    phone = fields.PhoneField("Phone")
    password = PasswordField("Password")
    specifications = FieldList(
        FormField(Specification),
        "Specifications",
        min_entries=2,
        max_entries=20,
        description="The figures people compare.",
    )
    aliases = FieldList(fields.TextField("Alias"), "Aliases", min_entries=1)
    photo = fields.UploadField(
        "Photo", accept=".jpg,.png", description="JPEG or PNG, at most 10 MB."
    )
    documents = MultipleFileField("Documents")


def hit(kind: str, number: int, title: str, summary: str, **values: Any) -> Hit:
    """Make a search hit with what the gallery does not vary."""
    plain: dict[str, Any] = {
        "organization": "Falls City Precision",
        "facets": {},
        "extra": {"place": "Louisville, KY"},
        "updated_at": now(),
        "latitude": None,
        "longitude": None,
        "highlights": (),
        "score": 1.0,
        "distance_miles": None,
    }
    return Hit(
        kind=kind,
        id=number,
        url=f"/record#{number}",
        title=title,
        summary=summary,
        **(plain | values),
    )


HITS = (
    hit(
        "equipment",
        1,
        "Bridge coordinate measuring machine, 2.5 m",
        "",
        distance_miles=3.2,
        highlights=(
            Fragment(f"Prismatic parts; {MATCH}welding{MATCH_END} fixtures too"),
            Fragment("accredited to ISO/IEC 17025"),
        ),
    ),
    hit(
        "facility",
        2,
        "Welding and joining laboratory",
        "Open lab of the college with twelve booths, robotic cell and destructive testing.",
        organization="Ohio River Community College",
        distance_miles=11.7,
    ),
    hit(
        "organization",
        3,
        "Bluegrass Tool & Die",
        "Stamping dies, jigs and fixtures since 1974.",
        organization="",
        extra={"place": "Shepherdsville, KY"},
    ),
    hit(
        "request",
        4,
        "Partner wanted for friction stir welding of battery trays",
        "A tier-one supplier looks for a lab that can run trials on 6 mm aluminum.",
        extra={"place": "Jefferson County, KY", "visibility": "members"},
    ),
)

FACETS = {
    "kind": [
        ("equipment", "Equipment", 42, True),
        ("facility", "Facilities", 11, False),
        ("organization", "Organizations", 128, False),
        ("request", "Requests", 9, False),
    ],
    "capability": [
        (str(n), name, 30 - n, False)
        for n, name in enumerate(x for names in CAPABILITIES.values() for x in names)
    ],
}


def facet_of(name: str) -> FacetList:
    """Return a facet as a view hands it to the template: links that toggle its values."""
    links = [
        value_link("en", name, *choice, f"/results?{name}={choice[0]}") for choice in FACETS[name]
    ]
    return facet_list(name, name.capitalize(), links)


STEPS = [
    Transition("publish", ("draft",), "published", "x", "Publish", "Published.", is_main=True),
    Transition("decline", ("draft",), "declined", "x", "Decline", "Declined.", note="required"),
    Transition(
        "withdraw",
        ("draft",),
        "withdrawn",
        "x",
        "Withdraw",
        "Withdrawn.",
        confirm="Withdraw “Friction stir welding trials”?",
    ),
]


def make_gallery(**settings: Any) -> Flask:
    """Make the app: the kernel's web glue, the real templates, and stand-ins for the domains."""
    app = Flask(
        "gallery", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static")
    )
    app.config.from_object(ENVIRONMENTS["testing"])
    app.config.update(SECRET_KEY="gallery", DATABASE_URL="sqlite://", **settings)
    app.jinja_loader = ChoiceLoader(
        [FileSystemLoader(ROOT / "templates"), FileSystemLoader(ROOT / "tests/interface/templates")]
    )
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.tests["several"] = lambda value: isinstance(value, list | tuple)
    LoginManager(app).user_loader(lambda _id: None)
    menu = [
        NavigationItem("Directory", "directory.search"),
        NavigationItem("Requests", "home.requests"),
        NavigationItem("Region", "home.region"),
        NavigationItem("Your desk", "home.desk", section="account"),
        NavigationItem("Administration", "home.administration", section="administration"),
        NavigationItem("Help", "home.guide", section="help"),
        NavigationItem("API", "home.api", section="help"),
    ]
    init_database(app)
    init_web(app, menu, [], lambda _id: ANA)

    @app.before_request
    def sign_in() -> None:
        if "as" in request.args or request.cookies.get("as"):
            set_actor(ANA)

    kernel = Blueprint("kernel", "gallery")
    directory = Blueprint("directory", "gallery")
    accounts = Blueprint("accounts", "gallery")
    home = Blueprint("home", "gallery")
    organizations = Blueprint("organizations", "gallery")

    @kernel.get("/language/<language>")
    def switch_language(language: str) -> ResponseReturnValue:
        return see_other("/")

    @directory.get("/results")
    def search() -> ResponseReturnValue:
        hits = () if request.args.get("q") == "nothing" else HITS
        return page(
            "gallery/results.html",
            count=len(hits),
            hits=hits[:2],
            rows=Markup(rows_of(hits[2:]).decode()),  # noqa: S704
            facets=[facet_of(name) for name in FACETS],
        )

    @directory.get("/suggestions")
    def suggestions() -> ResponseReturnValue:
        words = request.args.get("q", "").lower()
        found = [
            Suggestion(h.kind, h.id, h.title, h.url)
            for h in HITS
            if words and words in h.title.lower()
        ]
        return page("components/suggestions.html", suggestions=found)

    @accounts.get("/sign-in")
    def sign_in_page() -> ResponseReturnValue:
        return page("gallery/sign_in.html", form=EquipmentForm())

    accounts.add_url_rule("/in", "sign_in", sign_in_page)
    accounts.add_url_rule("/up", "sign_up", sign_in_page)
    accounts.add_url_rule("/out", "sign_out", lambda: see_other("/"), methods=["POST"])
    accounts.add_url_rule("/say", "switch_language", lambda: see_other("/"), methods=["POST"])

    @home.get("/")
    def index() -> ResponseReturnValue:
        return not_modified("1") or page("gallery/home.html", hits=HITS)

    @home.get("/record")
    def record() -> ResponseReturnValue:
        return page("gallery/record.html", steps=STEPS, moment=now() - dt.timedelta(days=12))

    @home.route("/form", methods=["GET", "POST"])
    def form() -> ResponseReturnValue:
        filled = EquipmentForm.bind()
        if filled.submitted():
            flash("“Bridge CMM” was saved.", undo_url="/steps/undo", link=("/record", "Show it"))
            return see_other("/worklist")
        return page("gallery/form.html", form=filled)

    @home.route("/talk", methods=["GET", "POST"])
    def talk() -> ResponseReturnValue:
        if request.method == "GET":
            return page("gallery/talk.html")
        if "nobody" in request.args:
            raise Unauthenticated
        if "busy" in request.args:
            raise OperationalError("", None, TimeoutError("the turn to write did not come"))
        if "asks" in request.args and not confirmed():
            return page("components/confirm.html", title="Send it?", text="", action="Yes, send it")
        flash("Your message was sent.")
        return see_other(request.full_path)

    @home.post("/steps/<action>")
    def act(action: str) -> ResponseReturnValue:
        if not confirmed():
            return page(
                "components/confirm.html",
                title="Withdraw “Friction stir welding trials”?",
                text="Nobody will find it any more.",
                action="Withdraw",
            )
        flash("The request was withdrawn.")
        return see_other("/record")

    @home.get("/worklist")
    def desk() -> ResponseReturnValue:
        return page("gallery/worklist.html", moment=now() - dt.timedelta(days=3))

    @home.get("/dashboard")
    def dashboard() -> ResponseReturnValue:
        return page("gallery/dashboard.html")

    @home.get("/page")
    def plain() -> ResponseReturnValue:
        return page("gallery/page.html")

    @home.get("/errors/<int:status>")
    def error(status: int) -> ResponseReturnValue:
        return page("errors/error.html", status=status, message="", back="")

    @home.get("/errors/plain/<int:status>")
    def plain_error(status: int) -> ResponseReturnValue:
        return page("errors/plain.html", status=status)

    for name in ("requests", "region", "administration", "guide", "api"):
        home.add_url_rule(f"/{name}", name, plain)
    for name in ("register", "list_organizations"):
        organizations.add_url_rule(f"/organizations/{name}", name, plain)
    for blueprint in (kernel, directory, accounts, home, organizations):
        app.register_blueprint(blueprint)
    return app


if __name__ == "__main__":
    make_gallery(TEMPLATES_AUTO_RELOAD=True).run(port=int(sys.argv[1]))
