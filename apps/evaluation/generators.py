"""Is a model under test one that wrote candidates for this project? Then it is judged on what it helped to shape."""

from __future__ import annotations

from collections.abc import Iterable

from apps.evaluation.models import ModelUnderTest
from apps.records.models import Record
from apps.specs.models import Project
from apps.submissions.families import bare_name


def generator_caveats(project: Project, models: Iterable[ModelUnderTest]) -> list[str]:
    """One sentence for each model whose name, or what is declared of its training, names a generator of the project.

    A generator never sees the holdout; but records it wrote are near to how it answers anyway, so its gain says
    little of the records.
    """
    made = (
        Record.objects.filter(project=project)
        .candidates()
        .exclude(generator_model="")
        .order_by()
        .values_list("generator_model", flat=True)
        .distinct()
    )
    generators = {bare_name(name): name for name in made}
    caveats = []
    for model in {model.pk: model for model in models}.values():
        said = f"{model.name} {model.training_note}".lower()
        named = sorted(name for bare, name in generators.items() if bare and bare in said)
        if named:
            caveats.append(
                f"{model.name} is, or was made from, a generator of this project ({', '.join(named)}): its own "
                "records suit it, so a gain says less."
            )
    return caveats
