from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('opsdesk', '0024_parts_speak_for_no_shop'),
        ('shops', '0055_looked_up_by_one_index'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='appeal',
            constraint=models.CheckConstraint(condition=models.Q(('filed_by', None), ('maker', None), models.Q(('filed_by', models.F('maker')), _negated=True), _connector='OR'), name='opsdesk_appeal_is_not_filed_by_the_maker'),
        ),
        migrations.AddConstraint(
            model_name='appeal',
            constraint=models.CheckConstraint(condition=models.Q(('filed_by', None), ('approver', None), models.Q(('filed_by', models.F('approver')), _negated=True), _connector='OR'), name='opsdesk_appeal_is_not_filed_by_the_approver'),
        ),
        migrations.AddConstraint(
            model_name='appeal',
            constraint=models.CheckConstraint(condition=models.Q(('filed_by', None), ('proposer', None), models.Q(('filed_by', models.F('proposer')), _negated=True), _connector='OR'), name='opsdesk_appeal_is_not_filed_by_the_proposer'),
        ),
        migrations.AddConstraint(
            model_name='appeal',
            constraint=models.CheckConstraint(condition=models.Q(('filed_by', None), ('reporter', None), models.Q(('filed_by', models.F('reporter')), _negated=True), _connector='OR'), name='opsdesk_appeal_is_not_filed_by_the_reporter'),
        ),
        migrations.AddConstraint(
            model_name='appeal',
            constraint=models.CheckConstraint(condition=models.Q(('filed_by', None), ('first_judge', None), models.Q(('filed_by', models.F('first_judge')), _negated=True), _connector='OR'), name='opsdesk_appeal_is_not_filed_by_the_first_judge'),
        ),
    ]
