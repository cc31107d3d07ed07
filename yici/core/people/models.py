"""Persons, the tree of organisations, accounts, roles granted in a scope, and delegation."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models

from yici.base import clock
from yici.base.encrypted import BlindIndexField, SealedTextField
from yici.base.text import localized
from yici.core.places.models import Division


class Person(models.Model):
    """A natural person known to the platform. `id_number` is GB 11643, 18 characters, upper-case X."""

    name = models.TextField()
    id_number = SealedTextField()
    id_number_index = BlindIndexField(of="id_number", place="person.id_number", unique=True)
    birth_date = models.DateField()
    sex = models.CharField(max_length=1, help_text="GB/T 2261.1: 0 未知, 1 男, 2 女, 9 未说明")
    phone = SealedTextField(blank=True, default="")
    division = models.ForeignKey(Division, models.PROTECT, null=True, help_text="registered residence")
    created_at = models.DateTimeField(auto_now_add=True)


class Organisation(models.Model):
    """A body in the tree city → department → second-level body; county, township, village; enterprise.

    `path` holds the ids from the root down, `/1/7/92/`; a subtree is a prefix. `function` says what the
    body does in the terms of the city folder (civil_affairs, public_security …), the same word at every
    level, so that an item can name its handler by function and level.
    """

    class Kind(models.TextChoices):
        GOVERNMENT = "government", "人民政府"
        DEPARTMENT = "department", "部门"
        SECOND_LEVEL = "second_level", "二级机构"
        OFFICE = "office", "乡镇街道"
        VILLAGE = "village", "村（居）委会"
        AGENT_POINT = "agent_point", "代办点"
        ENTERPRISE = "enterprise", "企业"
        OTHER = "other", "其他"

    slug = models.CharField(max_length=80, unique=True)
    name = models.TextField()
    short_name = models.TextField()
    english = models.TextField(blank=True)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    function = models.CharField(max_length=40, blank=True)
    uscc = models.CharField(max_length=18, blank=True, help_text="GB 32100 unified social credit code")
    level = models.CharField(max_length=10, blank=True, help_text="places.Level of the government it serves")
    division = models.ForeignKey(Division, models.PROTECT, null=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")
    path = models.TextField(db_collation="C")
    is_municipal_unit = models.BooleanField(default=False, help_text="one of the 47 city-level units")
    holds_data = models.BooleanField(default=False, help_text="one of the 55 that hold data")
    phone = models.TextField(blank=True)
    complaint_phone = models.TextField(blank=True)
    address = models.TextField(blank=True)
    order = models.IntegerField(default=0)

    class Meta:
        ordering = ["order", "id"]
        indexes = [
            models.Index(fields=["path"], name="people_org_path"),
            models.Index(fields=["function", "level", "division"], name="people_org_function"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """The full name in the active language."""
        return localized(self.name, self.english)

    @property
    def short_label(self) -> str:
        """The short name in the active language; English has only one."""
        return localized(self.short_name, self.english)


class AccountManager(BaseUserManager["Account"]):
    def create_user(self, username: str, password: str | None = None, **fields: Any) -> Account:
        account = self.model(username=username, **fields)
        account.set_password(password)
        account.save(using=self._db)
        return account

    def get_by_natural_key(self, username: str | None) -> Account:
        return self.get(username=username)


class Account(AbstractBaseUser):
    """Somebody who signs in. A citizen's username is a random identifier, never the ID number."""

    class Kind(models.TextChoices):
        CITIZEN = "citizen", "个人"
        STAFF = "staff", "工作人员"
        SERVICE = "service", "系统"

    username = models.CharField(max_length=64, unique=True)
    name = models.TextField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    person = models.OneToOneField(Person, models.PROTECT, null=True, related_name="account")
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, help_text="where a staff member works")
    title = models.TextField(blank=True, help_text="post, for staff")
    phone = SealedTextField(blank=True, default="")
    email = models.EmailField(blank=True)
    language = models.CharField(max_length=10, default="zh-hans")
    elder_mode = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AccountManager()
    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.name

    def get_full_name(self) -> str:
        return self.name


class RoleGrant(models.Model):
    """A role held by an account within an organisation subtree × a division subtree, for a time.

    `role` is a slug of `roles.yaml` in the city folder, which lists the permissions it carries.
    """

    account = models.ForeignKey(Account, models.CASCADE, related_name="grants")
    role = models.CharField(max_length=40)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="grants")
    division = models.ForeignKey(Division, models.PROTECT, null=True, help_text="null: every division")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, help_text="last day; null while open")
    reason = models.TextField()
    granted_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    duty = models.CharField(
        max_length=10,
        blank=True,
        default="",
        help_text="of the three administrators; a trigger lets an account have one",
    )

    class Meta:
        indexes = [models.Index(fields=["account", "role"], name="people_grant_account")]


class Delegation(models.Model):
    """Evidence that one person may act for another. Active from acceptance to `valid_to` or revocation."""

    class Basis(models.TextChoices):
        HOUSEHOLD = "household", "同一户籍家庭成员"
        CONSENT = "consent", "本人授权"
        GUARDIAN = "guardian", "监护关系"
        AGENT_POINT = "agent_point", "代办点当面授权"

    principal = models.ForeignKey(Person, models.PROTECT, related_name="delegations_given")
    agent = models.ForeignKey(Person, models.PROTECT, related_name="delegations_held")
    basis = models.CharField(max_length=20, choices=Basis.choices)
    evidence = models.TextField(help_text="what proves it: a record of the register, or a stored file's hash")
    item_codes = models.JSONField(default=list, help_text="items it covers; empty: every item")
    valid_from = models.DateField()
    valid_to = models.DateField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)


class SignInCode(models.Model):
    """A one-time code sent by SMS. Only its hash is kept; ten minutes, five tries."""

    token = models.CharField(max_length=43, unique=True, help_text="random handle the browser or client holds")
    name = SealedTextField()
    id_number = SealedTextField()
    id_number_index = BlindIndexField(of="id_number", place="person.id_number")
    phone = SealedTextField()
    phone_index = BlindIndexField(of="phone", place="person.phone")
    code_hash = models.TextField()
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    tries_left = models.SmallIntegerField(default=5)
    used_at = models.DateTimeField(null=True)
    address = models.GenericIPAddressField(null=True, help_text="where it was asked for, to limit asking")

    class Meta:
        indexes = [
            models.Index(fields=["phone_index", "created_at"], name="people_code_phone"),
            models.Index(fields=["id_number_index", "created_at"], name="people_code_id_number"),
            models.Index(fields=["address", "created_at"], name="people_code_address"),
        ]


class AccessToken(models.Model):
    """A bearer token for the API. Only its SHA-256 is kept."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="tokens")
    digest = models.BinaryField(max_length=32, unique=True)
    assurance = models.SmallIntegerField(help_text="1 name, 2 name and face, 3 name, face and credential")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
