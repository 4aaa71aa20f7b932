from django.urls import reverse
from apps.generation.models import Run
from apps.generation.planning import plan_run
from apps.generation.prompts import create_prompt_version
from apps.operations.work import drain
from apps.specs.models import Role
from apps.submissions.models import *
from tests import factories
from tests.browser.conftest import PHONE
from tests.generation.scene import *

def test_look(site):
    gap = make_ready_project(axes={"tone": ["angry", "polite"]})
    lead = factories.make_member(gap.project, Role.LEAD, name="lena")
    p = create_prompt(project=gap.project, name="renewal tickets", template=open("apps/operations/demo/data/phrases_v2.yaml").read().replace("renewal_refund_dispute", "refund"), actor=lead, notes="As customers write.")
    p2 = create_prompt_version(prompt=p.prompt, template=p.template.replace("typos: 0.3", "typos: 0.4").replace('- "hello??"\n','- "hallo??"\n'), notes="More typos.", actor=lead)
    run = start(gap, count=300, prompt=p, seed=1, actor=lead)
    drain()
    again = start(gap, count=300, prompt=p, seed=1)
    plan_run(again.pk)
    from apps.operations.work import work_once
    work_once("validation"); work_once("generation"); work_once("generation");work_once("generation")
    draft = make_run(gap, prompt=p2, count=5000, actor=lead)
    page = site.open(reverse("reports:run-detail", args=[gap.project.slug, run.pk]), lead)
    names = {"run": reverse("reports:run-detail", args=[gap.project.slug, run.pk]), "again": reverse("reports:run-detail", args=[gap.project.slug, again.pk]), "draft": reverse("reports:run-detail", args=[gap.project.slug, draft.pk]), "prompt": reverse("generation:prompt-detail", args=[gap.project.slug, p.prompt_id]), "prompts": reverse("generation:prompt-list", args=[gap.project.slug]), "runs": reverse("generation:run-list", args=[gap.project.slug]), "runnew": reverse("generation:run-new", args=[gap.project.slug]), "promptnew": reverse("generation:prompt-new", args=[gap.project.slug])}
    for n, a in names.items():
        page.goto(a); page.screenshot(path=f"/tmp/look-{n}.png", full_page=True)
    page.emulate_media(color_scheme="dark"); page.goto(names["again"]); page.screenshot(path="/tmp/look-dark.png", full_page=True)
    plan_run(start(gap, count=50).pk)
