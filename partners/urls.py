from django.urls import path

from partners.api import api

urlpatterns = [path("", api.urls)]
