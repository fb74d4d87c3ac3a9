"""The settings, one class per environment; the variable of the same name in the environment wins.

A value from the environment is read as the type of the default. `docs/settings.md` is generated
from the `#:` comments here.
"""


class Config:
    """What holds everywhere unless an environment says otherwise."""

    #: Folder for everything the portal writes: database, search index, files, keys.
    INSTANCE_PATH = "instance"
    #: Where the database is. Empty: SQLite in INSTANCE_PATH. Else `postgresql://user@host/name`.
    DATABASE_URL = ""
    #: Where the search index is. Empty: files in INSTANCE_PATH, the fastest, for one machine.
    #: `postgresql`: in the database of DATABASE_URL, for several; `postgresql://user@host/name`:
    #: in another one.
    SEARCH_URL = ""
    #: Signs cookies and tokens. Required in production; elsewhere generated into INSTANCE_PATH.
    SECRET_KEY = ""
    #: The address under which people reach the portal; links in e-mails start with it.
    PUBLIC_URL = "http://127.0.0.1:8000"
    #: The portal's name, as the pages and e-mails show it.
    SITE_NAME = "Industrial Commons"
    #: Where mail goes: `mailbox:` keeps it for the local mailbox page,
    #: `smtp://user:password@host:port` (or `smtps://`) sends it. Ports: 25, 587, 465.
    MAIL_URL = "mailbox:"
    #: The sender of all e-mail.
    MAIL_FROM = "Industrial Commons <portal@localhost>"
    #: Seconds to wait for the mail server before trying again later.
    MAIL_TIMEOUT_SECONDS = 10
    #: Languages offered, the first is the default.
    LANGUAGES = "en,es"
    #: Time zone for visitors and for people who chose none.
    DEFAULT_TIME_ZONE = "America/New_York"
    #: Largest request body, in bytes (a photo from a phone fits).
    MAX_CONTENT_LENGTH = 16 * 1024 * 1024
    #: Largest form body without files, in bytes.
    MAX_FORM_MEMORY_SIZE = 1024 * 1024
    #: Most fields that one form may send.
    MAX_FORM_PARTS = 2000
    #: Largest photo accepted, in pixels (width × height).
    MAX_IMAGE_PIXELS = 50_000_000
    #: Number of proxies in front whose forwarding headers are believed.
    TRUSTED_PROXIES = 0
    #: Send cookies over HTTPS only, with the `__Host-` prefix, and ask browsers for HTTPS.
    SECURE_COOKIES = False
    #: A session without use ends after so many hours.
    SESSION_IDLE_HOURS = 72
    #: Every session ends after so many days.
    SESSION_LIFETIME_DAYS = 30
    #: argon2id: memory in KiB, passes and lanes. The defaults follow RFC 9106, second choice.
    PASSWORD_MEMORY_KIB = 65536
    PASSWORD_PASSES = 3
    PASSWORD_LANES = 4
    #: Failed sign-ins per address and client network before a pause, and the pause in minutes.
    SIGN_IN_ATTEMPTS = 10
    SIGN_IN_PAUSE_MINUTES = 15
    #: How long freed time is kept for the next in a waiting list.
    WAITING_OFFER_MINUTES = 120
    #: How long a seat of a course is kept for somebody whom a firm has invited, and for the next in
    #: its waiting list.
    SEAT_INVITATION_HOURS = 72
    SEAT_OFFER_HOURS = 24
    #: So many numbers of certificates are answered to one address in a minute.
    CERTIFICATE_CHECKS_PER_MINUTE = 30
    #: Requests per minute that one address may make (a guard, not a quota).
    REQUESTS_PER_MINUTE = 1200
    #: Megabytes of answers to visitors that each web process keeps while nothing changes; 0: none.
    KEPT_ANSWERS_MEGABYTES = 16
    #: Allow demo data, and fill an empty database with them. Their people share a password that
    #: everybody can read: only for portals that nobody uses in earnest.
    DEMO_DATA = False
    #: Show the page with the mail that MAIL_URL=mailbox: kept.
    MAILBOX_PAGE = False
    #: Seconds between looks of the worker when there was nothing to do.
    WORKER_PAUSE_SECONDS = 0.25
    #: Times a side effect is tried before it is set aside for a person to see.
    WORKER_ATTEMPTS = 10
    #: Private networks that webhooks may reach nonetheless, such as `10.20.0.0/16,10.30.0.0/16`;
    #: there they need no HTTPS. Everywhere else they reach public addresses by HTTPS only.
    OUTGOING_NETWORKS = ""
    #: Seconds that another server has for its whole answer.
    OUTGOING_SECONDS = 5
    #: Seconds a SQLite write waits for its turn.
    SQLITE_BUSY_SECONDS = 30
    #: Connections that each process keeps to PostgreSQL, besides one that only reads.
    DATABASE_POOL_SIZE = 5
    #: Where the county outlines come from (an npm package, installed by `script/setup`).
    COUNTY_OUTLINES = "node_modules/us-atlas/counties-10m.json"


class DevelopmentConfig(Config):
    """A person's own machine, and `script/server`."""

    DEMO_DATA = True
    MAILBOX_PAGE = True


class TestingConfig(Config):
    """The test suite: cheap passwords, no pauses."""

    TESTING = True
    SECRET_KEY = "only-for-tests"  # noqa: S105
    PASSWORD_MEMORY_KIB = 8
    PASSWORD_PASSES = 1
    PASSWORD_LANES = 1
    MAILBOX_PAGE = True
    REQUESTS_PER_MINUTE = 100_000
    CERTIFICATE_CHECKS_PER_MINUTE = 100_000
    KEPT_ANSWERS_MEGABYTES = 0
    WTF_CSRF_ENABLED = False
    WORKER_PAUSE_SECONDS = 0.05


class ProductionConfig(Config):
    """Behind HTTPS, for everybody."""

    SECURE_COOKIES = True
    TRUSTED_PROXIES = 1


ENVIRONMENTS = {
    "development": DevelopmentConfig,
    "testing": TestingConfig,
    "production": ProductionConfig,
}
