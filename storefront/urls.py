"""The demo shop. Without demo data (DEMO=0, or any profile but embedded) none of these addresses exists."""

from django.conf import settings
from django.urls import URLPattern, path

urlpatterns: list[URLPattern] = []

if settings.DEMO:
    from mangaassist.markup_policy import no_markup_from_text
    from storefront import views

    urlpatterns = [
        path("", views.home, name="home"),
        path("search/", views.search, name="search"),
        path("series/<slug:series_id>/", views.series_page, name="series"),
        path("products/<slug:asin>/", views.edition_page, name="edition"),
        path("products/<slug:asin>/rate/", views.rate, name="rate"),
        path("cart/", views.cart, name="cart"),
        path("cart/add/", views.cart_add, name="cart-add"),
        path("cart/set/", views.cart_set, name="cart-set"),
        path("sign-in/", views.sign_in, name="sign-in"),
        path("sign-in/as/", views.sign_in_as, name="sign-in-as"),
        path("sign-out/", views.sign_out, name="sign-out"),
        path("account/", views.account, name="account"),
        path("account/forget/", views.forget, name="forget"),
        path("help/", views.help_index, name="help"),
        path("help/<slug:slug>/", views.help_article, name="help-article"),
    ]
    for pattern in urlpatterns:
        pattern.callback = no_markup_from_text(pattern.callback)
