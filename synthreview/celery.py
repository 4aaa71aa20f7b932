"""Celery for a team's installation. The database is the queue; a message only makes work start sooner."""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import worker_process_init

from apps.core.collector import spare_what_is_loaded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "synthreview.settings")

QUEUES = ("interactive", "generation", "validation", "evaluation")

app = Celery("synthreview")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_create_missing_queues=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    # Longer than any slice of work: a shorter one would run a slow task twice.
    broker_transport_options={
        "visibility_timeout": 3600,
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
        # A worker of two queues empties the one that it names first: people wait in it.
        "queue_order_strategy": "priority",
    },
    # A click must not hang because the broker is away: the sweep finds the work without the message.
    task_publish_retry=False,
    beat_schedule={
        f"sweep-{queue}": {
            "task": "operations.sweep",
            "schedule": 2.0,
            "args": (queue,),
            "options": {"queue": queue, "expires": 10},
        }
        for queue in QUEUES
    },
)
app.autodiscover_tasks()


@worker_process_init.connect
def _start_worker(**_: object) -> None:
    spare_what_is_loaded()
