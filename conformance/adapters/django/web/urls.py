"""The addresses of the pages."""

from django.contrib.auth.views import LoginView
from django.urls import path

from web import views

urlpatterns = [
    path("login", LoginView.as_view()),
    path("who", views.who, name="who"),
    path("put", views.put),
]
