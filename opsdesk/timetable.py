"""The timetable's process: puts into the queue what is due by `opsdesk/cron.py`, and is never two at once."""

from __future__ import annotations

from django.db import connection
from django.db.utils import OperationalError
from django_rq import get_connection, get_queue
from django_rq.cron import DjangoCronScheduler
from rq.cron import CronJob
from rq.utils import now

# Any number that nothing else uses.
KEEPING_TIME = 7_306_003


class Timetable(DjangoCronScheduler):
    def __init__(self) -> None:
        super().__init__(connection=get_connection("default"))

    def enqueue_jobs(self) -> list[CronJob]:
        """As the parent's, but through our queues: its own would pickle, and our workers read JSON alone."""
        due = [job for job in self.get_jobs() if job.should_run()]
        if not _still_alone():
            raise OperationalError("lost the database, and with it the right to keep time")
        for job in due:
            moment = now()
            assert job.func is not None  # only of jobs read back from Redis
            get_queue(job.queue_name).enqueue(job.func, args=job.args, kwargs=job.kwargs, **job.job_options)
            job.set_enqueue_time(moment)
        return due


def _still_alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
            " AND classid = 0 AND objid = %s AND granted)",
            [KEEPING_TIME],
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def keep(cron: str) -> None:
    """Wait until no other timetable runs on this database, then keep time until asked to end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [KEEPING_TIME])
    timetable = Timetable()
    timetable.load_config_from_file(cron)
    timetable.start()
