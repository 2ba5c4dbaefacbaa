"""A form that is sent twice is one penalty; and how long points count."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('shops', '0020_measures_of_every_kind'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='historicalpenalty',
            name='key',
            field=models.CharField(blank=True, editable=False, max_length=64, verbose_name='key'),
        ),
        migrations.AddField(
            model_name='penalty',
            name='key',
            field=models.CharField(blank=True, editable=False, max_length=64, verbose_name='key'),
        ),
        migrations.AddConstraint(
            model_name='penalty',
            constraint=models.UniqueConstraint(condition=models.Q(('key', ''), _negated=True), fields=('key',), name='shops_penalty_is_imposed_once_under_its_key'),
        ),
        migrations.AddField(
            model_name='alliance',
            name='points_days',
            field=models.PositiveSmallIntegerField(blank=True, default=365, help_text='From the day of the penalty on (R16). Empty: until the end of 31 December.', null=True, verbose_name='days that points count'),
        ),
        migrations.AddField(
            model_name='historicalalliance',
            name='points_days',
            field=models.PositiveSmallIntegerField(blank=True, default=365, help_text='From the day of the penalty on (R16). Empty: until the end of 31 December.', null=True, verbose_name='days that points count'),
        ),
    ]
