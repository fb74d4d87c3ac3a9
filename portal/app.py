"""The composition root: makes the app out of the settings and the domains' manifests."""

import importlib
import os
import secrets
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import Migrate
from sqlalchemy.exc import SQLAlchemyError

from config import ENVIRONMENTS, Config
from portal.kernel import authorization, outbox, worker
from portal.kernel.authorization import NOBODY, Actor
from portal.kernel.cli import add_commands
from portal.kernel.database import db, init_database
from portal.kernel.health import blueprint as kernel_blueprint
from portal.kernel.idempotency import forget_answered_calls, init_idempotency
from portal.kernel.manifest import Job, Manifest, installed_manifests
from portal.kernel.openapi import blueprint as openapi_blueprint
from portal.kernel.search import init_search, mend_index, search_index
from portal.kernel.settled import init_settled, settled
from portal.kernel.web.application import Portal
from portal.kernel.web.setup import init_web
from portal.registry import DOMAINS

ROOT = Path(__file__).resolve().parent.parent


def create_app(environment: str | None = None, **settings: Any) -> Flask:
    """Make the app for an environment ("development", "testing", "production").

    settings: values that win over the environment's and the class's, for tests and scripts.
    """
    environment = environment or os.environ.get("PORTAL_ENVIRONMENT", "development")
    app = Portal(
        "portal",
        root_path=str(ROOT / "portal"),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
        instance_path=str(
            Path(
                settings.get("INSTANCE_PATH")
                or os.environ.get("INSTANCE_PATH")
                or ROOT / Config.INSTANCE_PATH
            ).resolve()
        ),
    )
    app.config.from_object(ENVIRONMENTS[environment])
    _read_environment(app)
    app.config.update(settings)
    app.config["ROOT"] = str(ROOT)
    Path(app.instance_path).mkdir(parents=True, exist_ok=True)
    _provide_secret(app, environment)

    manifests = load_manifests()
    init_database(app)
    init_settled(app)
    Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    for manifest in manifests:
        if manifest.policy is not None:
            authorization.install(manifest.policy)
        outbox.subscribe(manifest.reactions)
    init_search(
        app,
        [item for manifest in manifests for item in manifest.searchables],
        [item for manifest in manifests for item in manifest.facets],
        [manifest.concepts for manifest in manifests if manifest.concepts is not None],
    )
    init_web(
        app,
        [item for manifest in manifests for item in manifest.navigation],
        [item for manifest in manifests for item in manifest.sections],
        lambda user_id: settled(("actor", user_id), lambda: load_actor(manifests, user_id)),
    )
    app.register_blueprint(kernel_blueprint)
    app.register_blueprint(openapi_blueprint)
    jobs = [
        Job("sweep_outbox", 3600, worker.sweep_outbox),
        Job("forget_answered_calls", 3600, forget_answered_calls),
        Job("mend_search_index", 10, mend_index, lambda: search_index().is_damaged()),
    ]
    for manifest in manifests:
        for blueprint in manifest.blueprints:
            app.register_blueprint(blueprint)
        for group in manifest.cli:
            app.cli.add_command(group)
        if manifest.set_up is not None:
            manifest.set_up(app)
        jobs.extend(manifest.jobs)
    init_idempotency(app)
    app.extensions["portal-manifests"] = manifests
    app.extensions["portal-jobs"] = {job.name: job for job in jobs}
    add_commands(app)
    return app


@cache
def app_of_process() -> Flask:
    """Return the app that the environment asks for, the same to processes that part from this."""
    return create_app()


def load_manifests() -> list[Manifest]:
    """Return what the domains plug into the app; it loads nearly all modules there are."""
    return [importlib.import_module(f"portal.{domain}.manifest").manifest for domain in DOMAINS]


def warm_up(app: Flask) -> None:
    """Make what a process makes once before anybody waits for it: templates, thesaurus, caches."""
    try:
        with app.app_context():
            search_index().warm()
            for manifest in installed_manifests():
                if manifest.warm_up is not None:
                    manifest.warm_up()
        client = app.test_client()
        # The map comes with all values of all facets.
        for path in ("/", "/search?view=map", "/search"):
            for language in app.config["LANGUAGES"].split(","):
                client.get(path, headers={"Accept-Language": language})
    except SQLAlchemyError as error:
        app.logger.warning("started without a database: %s", error)


def load_actor(manifests: list[Manifest], user_id: int) -> Actor:
    """Put an actor together from what each domain knows of the user."""
    facts: dict[str, Any] = {}
    for manifest in manifests:
        if manifest.actor_facts is not None:
            facts.update(manifest.actor_facts(user_id))
    # Of somebody who is no longer active, accounts know nothing: not even a name.
    return Actor(user_id=user_id, **facts) if "name" in facts else NOBODY


def _read_environment(app: Flask) -> None:
    """Let a variable of the environment win over the setting of the same name, as its type."""
    for name in dir(Config):
        if name.isupper() and name in os.environ:
            text, default = os.environ[name], getattr(Config, name)
            if isinstance(default, bool):
                app.config[name] = text.strip().lower() in ("1", "true", "yes", "on")
            else:
                app.config[name] = type(default)(text)


def _provide_secret(app: Flask, environment: str) -> None:
    if app.config["SECRET_KEY"]:
        return
    if environment == "production":
        raise RuntimeError("SECRET_KEY must be set in production")
    path = Path(app.instance_path) / "secret_key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    app.config["SECRET_KEY"] = path.read_text()
