from django.db import migrations


def without_rowid(apps, schema_editor):
    """On SQLite the rows stand in the tree of their key, instead of in a table of their own beside it."""
    if schema_editor.connection.vendor != "sqlite":
        return
    schema_editor.execute(
        'CREATE TABLE "bands" ("key" bigint NOT NULL, "record_id" bigint NOT NULL, '
        'PRIMARY KEY ("key", "record_id")) WITHOUT ROWID'
    )
    schema_editor.execute('INSERT INTO "bands" SELECT "key", "record_id" FROM "similarity_band"')
    schema_editor.execute('DROP TABLE "similarity_band"')
    schema_editor.execute('ALTER TABLE "bands" RENAME TO "similarity_band"')


class Migration(migrations.Migration):

    dependencies = [
        ("similarity", "0001_initial"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="band", name="band_record"),
        migrations.RunPython(without_rowid, migrations.RunPython.noop, elidable=False),
    ]
