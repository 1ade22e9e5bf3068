from django.urls import path

from shop import views

urlpatterns = [
    path("covers/series/<slug:series_id>.svg", views.series_cover, name="series-cover"),
    path("covers/<slug:asin>.svg", views.edition_cover, name="edition-cover"),
]
