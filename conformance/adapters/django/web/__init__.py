"""A Django project as people have them: sessions, messages and the auth app, without any change to Django."""
