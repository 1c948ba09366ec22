"""What a visitor can do: log in, put something into the basket, and see who he is and what is in it."""

from django.http import JsonResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST


def who(request):
    return JsonResponse({"user": request.user.get_username(), "basket": request.session.get("basket", [])})


@csrf_exempt
@require_POST
def put(request):
    request.session["basket"] = [*request.session.get("basket", []), request.POST["what"]]
    return redirect(who)
