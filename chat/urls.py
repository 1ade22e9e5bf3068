from django.urls import path

from chat import views

urlpatterns = [
    path("favicon.ico", views.favicon),
    path("chat/", views.page, name="chat-page"),
    path("chat/plain/", views.plain, name="chat-plain"),
    path("widget/v1/token", views.token, name="widget-token"),
    path("widget/v1/frame", views.frame, name="widget-frame"),
    path("widget/v1/docs", views.docs, name="widget-docs"),
    path("widget/v1/<str:name>", views.widget_file, name="widget-file"),
]
