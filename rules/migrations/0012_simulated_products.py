"""A simulation tells products that would change."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rules', '0011_observation'),
        ('shops', '0011_sweep_settings'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='simulatedchange',
            name='rules_simulatedchange_is_told_once',
        ),
        migrations.AddField(
            model_name='simulatedchange',
            name='product',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='shops.product', verbose_name='product'),
        ),
        migrations.AddField(
            model_name='simulatedchange',
            name='sales',
            field=models.DecimalField(decimal_places=2, help_text='Of a product.', max_digits=16, null=True, verbose_name='sales of the day'),
        ),
        migrations.AlterField(
            model_name='simulatedchange',
            name='change',
            field=models.CharField(choices=[('newly_out', 'newly put out'), ('rescued', 'rescued'), ('newly_in', 'newly let in'), ('kept_out', 'no longer let in'), ('newly_stopped', 'newly stopped'), ('newly_observed', 'newly put under observation'), ('warned', 'moved into the warning band'), ('no_data', 'without data')], max_length=20, verbose_name='change'),
        ),
        migrations.AddConstraint(
            model_name='simulatedchange',
            constraint=models.UniqueConstraint(fields=('simulation', 'change', 'shop', 'product'), name='rules_simulatedchange_is_told_once', nulls_distinct=False),
        ),
    ]
