"""The addresses that `sessionspec http` drives, on Django."""

import json

from django.conf import settings
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from operations import perform

COOKIE = ["NAME", "AGE", "DOMAIN", "PATH", "SECURE", "HTTPONLY", "SAMESITE"]


def describe(request):
    """The settings of this site's sessions."""
    told = {f"cookie_{name.lower()}": getattr(settings, f"SESSION_COOKIE_{name}") for name in COOKIE}
    told["save_every_request"] = settings.SESSION_SAVE_EVERY_REQUEST
    told["expire_at_browser_close"] = settings.SESSION_EXPIRE_AT_BROWSER_CLOSE
    told["server_side"] = not settings.SESSION_ENGINE.endswith("signed_cookies")
    # The development server has a thread for each request.
    told["overlap"] = True
    return JsonResponse(told)


@csrf_exempt
@require_POST
def exchange(request):
    """Does what the request says, and answers with the status it names."""
    wanted = json.loads(request.body)
    results = [perform(request.session, operation) for operation in wanted["do"]]
    return JsonResponse({"results": results}, status=wanted["status"])
