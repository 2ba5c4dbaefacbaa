"""A check keeps the inputs of products as well."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rules', '0016_proposals_from_the_record'),
        ('shops', '0026_penalty_files'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='sweepinput',
            name='rules_sweepinput_is_kept_once',
        ),
        migrations.AddField(
            model_name='sweepinput',
            name='product',
            field=models.ForeignKey(db_index=False, help_text='Empty: the shop itself.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='shops.product', verbose_name='product'),
        ),
        migrations.AddConstraint(
            model_name='sweepinput',
            constraint=models.UniqueConstraint(fields=('sweep', 'shop', 'product'), name='rules_sweepinput_is_kept_once', nulls_distinct=False),
        ),
    ]
