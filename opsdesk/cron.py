"""The whole timetable on one page. Cron strings are read in Asia/Shanghai."""

from __future__ import annotations

from rq import cron

from opsdesk import jobs
from shops.jobs import clear_away

# The night's files come in when they come: try until the newest day is checked.
cron.register(jobs.daily_check, queue_name="default", cron="*/15 3-23 * * *")
# Suspensions, restrictions and points that are over. What stands doesn't wait for it: the record does.
cron.register(jobs.end_what_is_over, queue_name="default", cron="*/15 * * * *")
# What the queue or a worker has lost.
cron.register(jobs.reconcile, queue_name="default", interval=60)
# Exports that nobody will come for any more, and what killed workers have left behind.
cron.register(clear_away, queue_name="default", cron="30 2 * * *")
# What shops are told of penalties that files have brought.
cron.register(jobs.tell_what_files_brought, queue_name="default", interval=60)
# Files that other systems leave in the drop folder.
cron.register(jobs.collect_files, queue_name="default", interval=60)
# Months of metrics that are kept no longer.
cron.register(jobs.forget_old_metrics, queue_name="default", cron="30 2 * * *")
