from django.urls import path

from escalation import views

urlpatterns = [
    path("", views.desk, name="desk"),
    path("metrics/", views.metrics, name="desk-metrics"),
]
