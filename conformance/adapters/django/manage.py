"""The commands of the Django project in `web`, as every Django project has them."""

import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")
execute_from_command_line(sys.argv)
