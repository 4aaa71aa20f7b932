"""Fingerprints made so far are of the first scheme, whose shingles were hashed with BLAKE2b."""

import uuid

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('leakage', '0003_first_tokens_of_a_run'),
    ]

    operations = [
        migrations.AddField(
            model_name='protectedcorpus',
            name='revision',
            field=models.UUIDField(default=uuid.uuid4, help_text='A new one with every change of its fingerprints, in one transaction.'),
        ),
        migrations.AddField(
            model_name='protectedcorpus',
            name='scheme',
            field=models.PositiveSmallIntegerField(default=1, help_text='How its fingerprints were made.'),
        ),
        migrations.AlterField(
            model_name='protectedcorpus',
            name='scheme',
            field=models.PositiveSmallIntegerField(default=2, help_text='How its fingerprints were made.'),
        ),
    ]
