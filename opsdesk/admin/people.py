"""People and their roles. An administrator gives roles to others, never to himself."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, SetUnusablePasswordMixin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import ManyToManyField, QuerySet
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from opsdesk.roles import ROLES

admin.site.unregister(User)
admin.site.unregister(Group)


def role_name(key: str) -> str:
    """A group's name for people."""
    return str(ROLES[key].name) if key in ROLES else key


class RolesField(ModelMultipleChoiceField):
    """Roles by their names for people."""

    def label_from_instance(self, obj: Any) -> str:
        return role_name(obj.name)


class RoleFilter(admin.SimpleListFilter):
    """Roles by their names for people."""

    title = _("role")
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(name, role_name(name)) for name in Group.objects.values_list("name", flat=True)]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(groups__name=self.value()) if self.value() else queryset


class PasswordForm(AdminPasswordChangeForm):
    # Django's own is put together when it's imported, and so is English for everybody.
    # The type says text, and this is text that waits for its language.
    usable_password_help_text = SetUnusablePasswordMixin.usable_password_help_text  # type: ignore[assignment]


@admin.register(User)
class PersonAdmin(UserAdmin):
    """Rights come from roles alone; only a superuser sees and sets superusers. Nobody is deleted."""

    list_display = ["username", "full_name", "email", "roles", "is_active", "last_login"]
    list_filter = ["is_active", RoleFilter]
    list_select_related = False
    ordering = ["username"]
    actions = None
    filter_horizontal = ()
    change_password_form = PasswordForm
    show_full_result_count = False
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("person"), {"fields": ("first_name", "last_name", "email")}),
        (_("access"), {"fields": ("is_active", "is_staff", "groups")}),
        (_("moments"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "usable_password", "password1", "password2", "is_staff", "groups"),
            },
        ),
    )
    # One's own rights are for somebody else to change.
    OWN_RIGHTS = ("is_active", "is_staff", "is_superuser", "groups")
    MOMENTS = ("last_login", "date_joined")

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description=pgettext_lazy("person", "name"))
    def full_name(self, person: User) -> str:
        return person.get_full_name()

    @admin.display(description=_("roles"))
    def roles(self, person: User) -> str:
        names = [role_name(group.name) for group in person.groups.all()]
        if person.is_superuser:
            names.insert(0, str(_("superuser")))
        return ", ".join(names)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not request.user.is_superuser:
            return fieldsets
        access = {"fields": ("is_active", "is_staff", "is_superuser", "groups")}
        return tuple(
            (name, access if "groups" in options["fields"] else options) for name, options in fieldsets
        )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"is_staff": True}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is not None and obj.pk == request.user.pk:
            return (*self.MOMENTS, *self.OWN_RIGHTS)
        return self.MOMENTS

    def formfield_for_manytomany(
        self, db_field: ManyToManyField, request: HttpRequest, **kwargs: Any
    ) -> ModelMultipleChoiceField | None:
        if db_field.name == "groups":
            kwargs["form_class"] = RolesField
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if isinstance(obj, User) and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Their decisions name them for good: make them inactive.
        return False


@admin.register(Group)
class RoleAdmin(GroupAdmin):
    """Roles are what opsdesk.roles says; `migrate` writes them. To be read here."""

    list_display = ["role", "name", "people"]
    list_display_links = ["role"]
    search_fields = ["name"]
    actions = None
    fields = ["role", "name", "allowed"]
    readonly_fields = ["role", "allowed"]
    filter_horizontal = ()

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        return super().changelist_view(request, {"title": capfirst(_("roles")), **(extra_context or {})})

    @admin.display(description=_("role"))
    def role(self, group: Group) -> str:
        return role_name(group.name)

    @admin.display(description=_("people"))
    def people(self, group: Group) -> int:
        return group.user_set.filter(is_active=True).count()

    @admin.display(description=_("may"))
    def allowed(self, group: Group) -> str:
        held = Permission.objects.filter(group=group).select_related("content_type")
        return "\n".join(sorted(f"{p.content_type.app_label}.{p.codename}" for p in held))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
