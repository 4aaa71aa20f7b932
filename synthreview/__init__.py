"""The composition root: settings, urls, celery, database router."""

from synthreview.celery import app as celery_app

__all__ = ["celery_app"]
