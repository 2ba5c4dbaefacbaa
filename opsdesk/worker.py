"""The queue's worker: jobs in JSON, a dead worker noticed soon, and no job that outlives its worker."""

from __future__ import annotations

import os
from typing import Any

import rq
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer

from opsdesk.supervisor import end_with_parent


class Worker(rq.Worker):
    """For `rqworker --worker-class opsdesk.worker.Worker`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # The command passes pickle unless told otherwise; a worker of ours never unpickles.
        kwargs["serializer"] = JSONSerializer
        # By default a dead worker's job would stay "started" for up to a quarter of an hour.
        kwargs.setdefault("job_monitoring_interval", 5)
        kwargs.setdefault("maintenance_interval", 30)
        super().__init__(*args, **kwargs)
        self._process = os.getpid()

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        # A killed worker would leave the child at work, and the job's second run would meet it.
        end_with_parent(self._process)
        super().main_work_horse(job, queue)
