from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# A family shares an ancestor. Leads edit this in the admin; a name that fits none becomes a family of its own.
FAMILIES = {
    "rules": ["rules-"],
    "openai-gpt": ["gpt-", "chatgpt-", "o1", "o3", "o4", "codex-"],
    "anthropic-claude": ["claude-"],
    "google-gemini": ["gemini-", "gemma"],
    "meta-llama": ["llama", "codellama"],
    "mistral": ["mistral", "mixtral", "ministral", "magistral", "codestral", "devstral", "pixtral"],
    "alibaba-qwen": ["qwen", "qwq"],
    "deepseek": ["deepseek"],
    "amazon-nova": ["nova-"],
    "amazon-titan": ["titan-"],
    "cohere-command": ["command"],
    "ai21-jamba": ["jamba"],
    "microsoft-phi": ["phi-", "phi3", "phi4"],
    "xai-grok": ["grok"],
    "moonshot-kimi": ["kimi", "moonshot"],
    "zhipu-glm": ["glm-", "chatglm"],
}


def add_families(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    families = apps.get_model("submissions", "ModelFamily").objects
    for name, prefixes in FAMILIES.items():
        families.update_or_create(name=name, defaults={"prefixes": prefixes})


class Migration(migrations.Migration):
    dependencies = [("submissions", "0004_connections_money_and_deliveries")]

    operations = [migrations.RunPython(add_families, migrations.RunPython.noop)]
