from django.apps import AppConfig


class HealthConfig(AppConfig):
    name = "mangaassist.health"
    label = "health"
