"""`make run`: migrate, fill an empty database, then web, worker and timetable until Ctrl-C."""

from __future__ import annotations

import os
import signal
import socket
import sys
import urllib.request
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from opsdesk import local_services, sign_ins
from opsdesk.supervisor import Supervisor
from shops.models import Shop

HOST = "127.0.0.1"


class Command(BaseCommand):
    help = "Serves the desk here: web, worker and timetable, until Ctrl-C. For development and trials."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError(
                "serve is for development and trials. With DEBUG off run `gunicorn opsdesk.wsgi`,"
                " `manage.py rqworker default --worker-class opsdesk.worker.Worker` and `manage.py timetable`"
                " each under your system's own supervisor."
            )
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
        try:
            self.serve(_port(), _web_workers())
        except KeyboardInterrupt:
            pass
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            connections.close_all()
            if local_services.started_here():
                local_services.down()

    def serve(self, port: int, web_workers: int) -> None:
        call_command("migrate", verbosity=0, stdout=sys.stderr)
        if not Shop.objects.exists():
            self.say("The database is empty: loading demonstration data.")
            call_command("createdemo", stdout=sys.stderr)
        accounts = sign_ins.fresh()
        Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)  # or WhiteNoise complains
        connections.close_all()
        address = f"http://{HOST}:{port}/"
        python, manage = sys.executable, str(settings.BASE_DIR / "manage.py")
        supervisor = Supervisor(
            {
                "web": [
                    *(python, "-m", "gunicorn", "opsdesk.wsgi", "--chdir", str(settings.BASE_DIR)),
                    *("--bind", f"{HOST}:{port}", "--workers", str(web_workers), "--threads", "4"),
                    *("--no-control-socket", "--log-level", "warning"),
                ],
                "worker": [
                    *(python, manage, "rqworker", "default", "--verbosity", "0"),
                    *("--worker-class", "opsdesk.worker.Worker"),
                ],
                "timetable": [python, manage, "timetable"],
            },
            say=self.say,
        )
        waiting = True

        def greet_once_it_answers() -> None:
            nonlocal waiting
            if waiting and _answers(address):
                waiting = False
                self.say(f"opsdesk: {address}")
                for account in accounts:
                    self.say(f"sign in: {account.role} {account.username} {account.password}")

        supervisor.run(meanwhile=greet_once_it_answers)

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _port() -> int:
    given = os.environ.get("PORT", "8000")
    try:
        port = int(given)
        # Otherwise the server would fall and rise for ever beside whoever has the port.
        with socket.create_server((HOST, port)) as free:
            return int(free.getsockname()[1])
    except (ValueError, OverflowError) as problem:
        raise CommandError(f"PORT is {given!r}, and must be a number up to 65535.") from problem
    except OSError as problem:
        raise CommandError(f"Port {given}: {problem.strerror}. Set PORT to another.") from problem


def _web_workers() -> int:
    given = os.environ.get("WEB_WORKERS", "2")
    if not given.isascii() or not given.isdigit() or int(given) < 1:
        raise CommandError(f"WEB_WORKERS is {given!r}, and must be a number from 1.")
    return int(given)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}admin/login/", timeout=5):
            return True
    except OSError:
        return False
