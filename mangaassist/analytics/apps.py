from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "mangaassist.analytics"
    label = "analytics"
