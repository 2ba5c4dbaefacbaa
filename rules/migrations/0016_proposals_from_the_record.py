
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rules', '0009_shadow_counts'),
        ('shops', '0025_shipped_consequences'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='proposal',
            name='rules_proposal_is_the_only_open_one_for_its_shop',
        ),
        migrations.RemoveConstraint(
            model_name='proposal',
            name='rules_proposal_is_the_only_open_one_for_its_product',
        ),
        migrations.AddField(
            model_name='historicalproposal',
            name='case',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text="What it rests on: a case that was reported, or one that bars the controller's shops.", null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='shops.penalty', verbose_name='case'),
        ),
        migrations.AddField(
            model_name='historicalproposal',
            name='points_threshold',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='What standing points have reached.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='shops.pointsthreshold', verbose_name='points threshold'),
        ),
        migrations.AddField(
            model_name='proposal',
            name='case',
            field=models.ForeignKey(blank=True, help_text="What it rests on: a case that was reported, or one that bars the controller's shops.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='proposals_from_it', to='shops.penalty', verbose_name='case'),
        ),
        migrations.AddField(
            model_name='proposal',
            name='points_threshold',
            field=models.ForeignKey(blank=True, help_text='What standing points have reached.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='proposals', to='shops.pointsthreshold', verbose_name='points threshold'),
        ),
        migrations.AlterField(
            model_name='historicalproposal',
            name='alliance',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='Empty: the platform as a whole, which only a penalty can concern.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='shops.alliance', verbose_name='alliance'),
        ),
        migrations.AlterField(
            model_name='historicalproposal',
            name='sweep',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text="Empty: filed by hand, or from what stands in the desk's own record.", null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='rules.sweep', verbose_name='daily check'),
        ),
        migrations.AlterField(
            model_name='proposal',
            name='alliance',
            field=models.ForeignKey(blank=True, help_text='Empty: the platform as a whole, which only a penalty can concern.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='proposals', to='shops.alliance', verbose_name='alliance'),
        ),
        migrations.AlterField(
            model_name='proposal',
            name='sweep',
            field=models.ForeignKey(blank=True, help_text="Empty: filed by hand, or from what stands in the desk's own record.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='proposals', to='rules.sweep', verbose_name='daily check'),
        ),
        migrations.AddConstraint(
            model_name='proposal',
            constraint=models.UniqueConstraint(condition=models.Q(('product', None), ('status__in', ['open', 'held']), models.Q(('kind', 'penalise'), _negated=True)), fields=('alliance', 'shop', 'kind'), name='rules_proposal_is_the_only_open_one_for_its_shop', violation_error_message='A proposal of this kind is already open for this shop.'),
        ),
        migrations.AddConstraint(
            model_name='proposal',
            constraint=models.UniqueConstraint(condition=models.Q(('product__isnull', False), ('status__in', ['open', 'held']), models.Q(('kind', 'penalise'), _negated=True)), fields=('alliance', 'product', 'kind'), name='rules_proposal_is_the_only_open_one_for_its_product', violation_error_message='A proposal of this kind is already open for this product.'),
        ),
        migrations.AddConstraint(
            model_name='proposal',
            constraint=models.UniqueConstraint(condition=models.Q(('case__isnull', False), ('kind', 'penalise'), ('status__in', ['open', 'held'])), fields=('case',), name='rules_proposal_is_the_only_open_one_for_its_case', violation_error_message='A proposal is already open for this case.'),
        ),
        migrations.AddConstraint(
            model_name='proposal',
            constraint=models.UniqueConstraint(condition=models.Q(('points_threshold__isnull', False), ('status__in', ['open', 'held'])), fields=('shop', 'points_threshold'), name='rules_proposal_is_the_only_open_one_for_its_threshold'),
        ),
        migrations.AddConstraint(
            model_name='proposal',
            constraint=models.CheckConstraint(condition=models.Q(('alliance__isnull', False), ('kind', 'penalise'), _connector='OR'), name='rules_proposal_concerns_an_alliance_unless_it_penalises'),
        ),
        migrations.AddConstraint(
            model_name='proposal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'penalise'), _negated=True), models.Q(('case__isnull', False), ('points_threshold', None)), models.Q(('case', None), ('points_threshold__isnull', False)), _connector='OR'), name='rules_proposal_penalises_for_a_case_or_for_points'),
        ),
        migrations.AddConstraint(
            model_name='proposal',
            constraint=models.CheckConstraint(condition=models.Q(('points_threshold', None), ('kind', 'penalise'), _connector='OR'), name='rules_proposal_names_a_threshold_only_to_penalise'),
        ),
    ]
