"""Users and groups: who works here and what they may do."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from mangaassist.access.audit import Kind, log_deed, record
from mangaassist.access.rank import may_change_user, may_give, may_give_group, rights_of
from mangaassist.access.sessions import sign_out_everywhere
from mangaassist.admin_site import FromToAdmin
from mangaassist.groups import GROUPS
from mangaassist.names import group_name

# What only a superuser gives or takes: who could give it to themselves would be one.
SUPERUSERS_ONLY = ("is_superuser", "user_permissions")


class StaffForm(UserChangeForm[User]):
    # Who fills it in: see StaffAdmin.get_form.
    by: Any

    def clean_groups(self) -> QuerySet[Group]:
        chosen: QuerySet[Group] = self.cleaned_data["groups"]
        moved = set(chosen) ^ set(self.instance.groups.all())
        refused = sorted(group.name for group in moved if not may_give_group(self.by, group))
        if refused:
            text = gettext("You may give and take only what you may do yourself. Not yours to give: %(groups)s.")
            raise ValidationError(text % {"groups": ", ".join(refused)}, code="rank")
        return chosen


class RightsForm(forms.ModelForm[Group]):
    by: Any

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        known = {name, self.instance.name} & GROUPS.keys()
        if name != self.instance.name and known and not self.by.is_superuser:
            raise ValidationError(gettext("Only a superuser gives or takes this name."), code="rank")
        return name

    def clean_permissions(self) -> QuerySet[Permission]:
        chosen: QuerySet[Permission] = self.cleaned_data["permissions"]
        before = self.instance.permissions.all() if self.instance.pk else ()
        moved = set(chosen) ^ set(before)
        if not may_give(self.by, moved):
            refused = sorted(rights_of(moved) - self.by.get_all_permissions())
            text = gettext("You may give and take only what you may do yourself. Not yours to give: %(rights)s.")
            raise ValidationError(text % {"rights": ", ".join(refused)}, code="rank")
        return chosen


class GroupsField(forms.ModelMultipleChoiceField[Group]):
    def label_from_instance(self, obj: Any) -> str:
        return group_name(obj.name)


class GroupsFilter(admin.RelatedFieldListFilter):
    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        return [(pk, group_name(str(name))) for pk, name in super().field_choices(field, request, model_admin)]


admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class StaffAdmin(FromToAdmin, UserAdmin[User]):
    """Django's own; nobody gives what they do not have, and who did something here is deactivated, never deleted."""

    form = StaffForm
    list_filter = ("is_staff", "is_active", ("groups", GroupsFilter))
    actions = ("deactivate_selected", "sign_out_selected")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"by": request.user})

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["form_class"] = GroupsField
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if _is_superuser(request) else (*fields, *SUPERUSERS_ONLY)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and may_change_user(request.user, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The log of what somebody did would go with them."""
        if not (super().has_delete_permission(request, obj) and may_change_user(request.user, obj)):
            return False
        return obj is None or not LogEntry.objects.filter(user=obj).exists()

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and not (obj.is_active and obj.is_staff):
            sign_out_everywhere(obj.pk)

    @admin.action(description=_("Deactivate the selected users"), permissions=["change"])
    def deactivate_selected(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        count = 0
        for user in queryset.filter(is_active=True):
            if user.pk == request.user.pk or not may_change_user(request.user, user):
                self._refuse(request, user)
                continue
            with transaction.atomic():
                User.objects.filter(pk=user.pk).update(is_active=False)
                sign_out_everywhere(user.pk)
                log_deed(request, user, "is_active: True → False")
            count += 1
        text = ngettext("%(count)d user deactivated.", "%(count)d users deactivated.", count) % {"count": count}
        self.message_user(request, text)

    @admin.action(description=_("Sign the selected users out everywhere"), permissions=["change"])
    def sign_out_selected(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        ended = 0
        for user in queryset:
            if not may_change_user(request.user, user):
                self._refuse(request, user)
                continue
            ended += sign_out_everywhere(user.pk)
            record(Kind.SIGNED_OUT, request=request, what=user.get_username(), detail="signed out everywhere")
        self.message_user(request, sessions_ended(ended))

    def _refuse(self, request: HttpRequest, user: User) -> None:
        text = gettext("Not yours to change: %(user)s.") % {"user": user.get_username()}
        self.message_user(request, text, messages.WARNING)


@admin.register(Group)
class RightsAdmin(FromToAdmin, GroupAdmin):
    form = RightsForm
    list_display = ("shown_name",)

    @admin.display(description=_("name"), ordering="name")
    def shown_name(self, group: Group) -> str:
        return group_name(group.name)

    def action_checkbox(self, obj: Group) -> SafeString:
        """Its label says the name that the list shows."""
        return super().action_checkbox(Group(pk=obj.pk, name=group_name(obj.name)))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"by": request.user})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or may_give_group(request.user, obj))


def sessions_ended(count: int) -> str:
    return ngettext("%(count)d session ended.", "%(count)d sessions ended.", count) % {"count": count}


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))
