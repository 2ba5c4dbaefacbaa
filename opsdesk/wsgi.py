import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsdesk.settings")
application = get_wsgi_application()

if not settings.DEBUG:
    # So that a role that may do too much stops the server here, not its first visitor.
    connection.ensure_connection()
    connection.close()
