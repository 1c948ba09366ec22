"""The addresses of the pages."""

from django.contrib.auth.views import LoginView
from django.urls import path

from web import suite, views

urlpatterns = [
    path("login", LoginView.as_view()),
    path("who", views.who, name="who"),
    path("put", views.put),
    path("sessionspec", suite.exchange),
    path("sessionspec/settings", suite.describe),
]
