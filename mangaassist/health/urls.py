from django.urls import URLPattern, path

from mangaassist.health import views

urlpatterns: list[URLPattern] = [
    path("healthz", views.live),
    path("readyz", views.ready),
    path("metrics", views.metrics),
]
