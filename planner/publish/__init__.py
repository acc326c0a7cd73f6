"""Runs in a PostGIS database, for those who work there instead of in folders."""

from planner.publish.catalogue import PublishedRun, published_runs, unpublish
from planner.publish.run import Publication, publish_run, write_sql
from planner.publish.run_to_publish import RunToPublish, run_to_publish
from planner.publish.show import show_publication, show_published, show_removed
from planner.publish.statements import Destination

__all__ = [
    "Destination",
    "Publication",
    "PublishedRun",
    "RunToPublish",
    "publish_run",
    "published_runs",
    "run_to_publish",
    "show_publication",
    "show_published",
    "show_removed",
    "unpublish",
    "write_sql",
]
