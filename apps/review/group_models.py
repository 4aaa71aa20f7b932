"""Groups of people for whom a lead keeps piles."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.accounts.models import User
from apps.specs.models import Project


class ReviewGroup(models.Model):
    """People of one project under a name. Who joins or leaves later gets or loses the piles of the group."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="review_groups")
    name = models.CharField(max_length=60)
    members = models.ManyToManyField(User, blank=True, related_name="review_groups")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="group_name_once"),
            models.CheckConstraint(condition=~Q(name=""), name="group_has_name"),
        ]

    def __str__(self) -> str:
        return self.name
