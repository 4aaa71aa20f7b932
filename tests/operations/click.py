"""``python -m tests.operations.click USER_ID PATH``: one signed-in POST through the whole web process."""

from __future__ import annotations

import os
import sys

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "synthreview.settings")
    django.setup()
    from django.test import Client

    from apps.accounts.models import User

    client = Client(raise_request_exception=False, HTTP_HOST="localhost")
    client.force_login(User.objects.get(pk=int(sys.argv[1])))
    sys.stdout.write(str(client.post(sys.argv[2]).status_code))
