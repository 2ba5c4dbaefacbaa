"""What a penalty can do, thresholds of points, and shops that closed by themselves."""

import django.contrib.postgres.fields
import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('shops', '0012_stopped_products'),
        ('shops', '0018_wechat_deposits'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Closure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('closed_at', models.DateTimeField(verbose_name='closed at')),
                ('return_from', models.DateField(help_text='Six months after the closing, from 00:00 in Shanghai (CL-2).', verbose_name='may return from')),
                ('returned_at', models.DateTimeField(blank=True, null=True, verbose_name='returned at')),
                ('reason', models.TextField(blank=True, verbose_name='reason')),
            ],
            options={
                'verbose_name': 'closing',
                'verbose_name_plural': 'closings',
                'ordering': ['-closed_at'],
            },
        ),
        migrations.CreateModel(
            name='HistoricalClosure',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('closed_at', models.DateTimeField(verbose_name='closed at')),
                ('return_from', models.DateField(help_text='Six months after the closing, from 00:00 in Shanghai (CL-2).', verbose_name='may return from')),
                ('returned_at', models.DateTimeField(blank=True, null=True, verbose_name='returned at')),
                ('reason', models.TextField(blank=True, verbose_name='reason')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical closing',
                'verbose_name_plural': 'historical closings',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalPointsThreshold',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('points', models.PositiveSmallIntegerField(help_text='So many standing points, or more.', verbose_name='points')),
                ('kinds', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('warning', 'warning'), ('clear', 'clear'), ('reduce_room', "reduce the live room's traffic"), ('reduce_account', "reduce the account's traffic"), ('restrict_live', 'restrict live selling'), ('suspend', 'suspend the shop'), ('close', 'close the shop for good')], max_length=20), size=None, verbose_name='measures proposed')),
                ('days', models.PositiveSmallIntegerField(blank=True, help_text='How long what ends by itself lasts. Empty: without end.', null=True, verbose_name='days')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical points threshold',
                'verbose_name_plural': 'historical points thresholds',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='PointsThreshold',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('points', models.PositiveSmallIntegerField(help_text='So many standing points, or more.', verbose_name='points')),
                ('kinds', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('warning', 'warning'), ('clear', 'clear'), ('reduce_room', "reduce the live room's traffic"), ('reduce_account', "reduce the account's traffic"), ('restrict_live', 'restrict live selling'), ('suspend', 'suspend the shop'), ('close', 'close the shop for good')], max_length=20), size=None, verbose_name='measures proposed')),
                ('days', models.PositiveSmallIntegerField(blank=True, help_text='How long what ends by itself lasts. Empty: without end.', null=True, verbose_name='days')),
            ],
            options={
                'verbose_name': 'points threshold',
                'verbose_name_plural': 'points thresholds',
                'ordering': ['alliance', 'points'],
                'permissions': [('export_pointsthreshold', 'Can export points thresholds')],
            },
        ),
        migrations.AddField(
            model_name='historicalmeasure',
            name='alliance',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text="Out of which the shop is cleared, or where points count; points of none: the platform's.", null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='shops.alliance', verbose_name='alliance'),
        ),
        migrations.AddField(
            model_name='historicalmeasure',
            name='amount_fen',
            field=models.BigIntegerField(blank=True, help_text='In fen. Of a share or of the whole balance: what it came to when it was applied.', null=True, verbose_name='amount'),
        ),
        migrations.AddField(
            model_name='historicalmeasure',
            name='basis',
            field=models.CharField(blank=True, choices=[('fixed', 'a fixed sum'), ('share', 'a share of the balance'), ('actual_loss', 'the actual loss'), ('all', 'the whole balance')], max_length=20, verbose_name='basis'),
        ),
        migrations.AddField(
            model_name='historicalmeasure',
            name='ends_at',
            field=models.DateTimeField(blank=True, help_text='Ends by itself. Empty: without end.', null=True, verbose_name='ends at'),
        ),
        migrations.AddField(
            model_name='historicalmeasure',
            name='lapsed_at',
            field=models.DateTimeField(blank=True, help_text='It ran out, or its penalty was lifted. What it did until then stays done.', null=True, verbose_name='over since'),
        ),
        migrations.AddField(
            model_name='historicalmeasure',
            name='points',
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='points'),
        ),
        migrations.AddField(
            model_name='historicalmeasure',
            name='score',
            field=models.DecimalField(blank=True, decimal_places=2, help_text='What the platform takes off. On record: the score itself stays what is imported.', max_digits=4, null=True, verbose_name='experience score'),
        ),
        migrations.AddField(
            model_name='historicalmeasure',
            name='share',
            field=models.DecimalField(blank=True, decimal_places=6, max_digits=7, null=True, verbose_name='share'),
        ),
        migrations.AddField(
            model_name='historicalpenalty',
            name='violation_version',
            field=models.PositiveBigIntegerField(blank=True, editable=False, help_text='The entry of the catalogue as it stood when the penalty was imposed.', null=True, verbose_name='version of the violation'),
        ),
        migrations.AddField(
            model_name='measure',
            name='alliance',
            field=models.ForeignKey(blank=True, help_text="Out of which the shop is cleared, or where points count; points of none: the platform's.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='shops.alliance', verbose_name='alliance'),
        ),
        migrations.AddField(
            model_name='measure',
            name='amount_fen',
            field=models.BigIntegerField(blank=True, help_text='In fen. Of a share or of the whole balance: what it came to when it was applied.', null=True, verbose_name='amount'),
        ),
        migrations.AddField(
            model_name='measure',
            name='basis',
            field=models.CharField(blank=True, choices=[('fixed', 'a fixed sum'), ('share', 'a share of the balance'), ('actual_loss', 'the actual loss'), ('all', 'the whole balance')], max_length=20, verbose_name='basis'),
        ),
        migrations.AddField(
            model_name='measure',
            name='ends_at',
            field=models.DateTimeField(blank=True, help_text='Ends by itself. Empty: without end.', null=True, verbose_name='ends at'),
        ),
        migrations.AddField(
            model_name='measure',
            name='lapsed_at',
            field=models.DateTimeField(blank=True, help_text='It ran out, or its penalty was lifted. What it did until then stays done.', null=True, verbose_name='over since'),
        ),
        migrations.AddField(
            model_name='measure',
            name='points',
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='points'),
        ),
        migrations.AddField(
            model_name='measure',
            name='score',
            field=models.DecimalField(blank=True, decimal_places=2, help_text='What the platform takes off. On record: the score itself stays what is imported.', max_digits=4, null=True, verbose_name='experience score'),
        ),
        migrations.AddField(
            model_name='measure',
            name='share',
            field=models.DecimalField(blank=True, decimal_places=6, max_digits=7, null=True, verbose_name='share'),
        ),
        migrations.AddField(
            model_name='penalty',
            name='violation_version',
            field=models.PositiveBigIntegerField(blank=True, editable=False, help_text='The entry of the catalogue as it stood when the penalty was imposed.', null=True, verbose_name='version of the violation'),
        ),
        migrations.AlterField(
            model_name='historicalmeasure',
            name='kind',
            field=models.CharField(choices=[('warning', 'warning'), ('points', 'points'), ('deduct', 'deduct from the deposit'), ('top_up', 'demand a top-up'), ('score', 'deduct experience score'), ('clear', 'clear'), ('stop', 'stop a product'), ('reduce_room', "reduce the live room's traffic"), ('reduce_account', "reduce the account's traffic"), ('restrict_live', 'restrict live selling'), ('suspend', 'suspend the shop'), ('close', 'close the shop for good')], max_length=20, verbose_name='kind'),
        ),
        migrations.AlterField(
            model_name='historicalpenalty',
            name='ends_at',
            field=models.DateTimeField(blank=True, help_text='When the last of its measures ends by itself. Empty: one of them has no end.', null=True, verbose_name='ends at'),
        ),
        migrations.AlterField(
            model_name='measure',
            name='kind',
            field=models.CharField(choices=[('warning', 'warning'), ('points', 'points'), ('deduct', 'deduct from the deposit'), ('top_up', 'demand a top-up'), ('score', 'deduct experience score'), ('clear', 'clear'), ('stop', 'stop a product'), ('reduce_room', "reduce the live room's traffic"), ('reduce_account', "reduce the account's traffic"), ('restrict_live', 'restrict live selling'), ('suspend', 'suspend the shop'), ('close', 'close the shop for good')], max_length=20, verbose_name='kind'),
        ),
        migrations.AlterField(
            model_name='penalty',
            name='ends_at',
            field=models.DateTimeField(blank=True, help_text='When the last of its measures ends by itself. Empty: one of them has no end.', null=True, verbose_name='ends at'),
        ),
        migrations.AddIndex(
            model_name='measure',
            index=models.Index(condition=models.Q(('ends_at__isnull', False), ('lapsed_at', None), ('undone_at', None)), fields=['ends_at'], name='shops_measure_ending'),
        ),
        migrations.AddConstraint(
            model_name='measure',
            constraint=models.CheckConstraint(condition=models.Q(('lapsed_at', None), models.Q(('applied_at__isnull', False), ('kind__in', ['points', 'reduce_account', 'reduce_room', 'restrict_live', 'suspend'])), _connector='OR'), name='shops_measure_is_over_only_once_applied_and_where_it_can_end'),
        ),
        migrations.AddConstraint(
            model_name='measure',
            constraint=models.CheckConstraint(condition=models.Q(('alliance', None), ('kind__in', ['clear', 'points']), _connector='OR'), name='shops_measure_alliance_is_of_a_clearance_or_of_points'),
        ),
        migrations.AddConstraint(
            model_name='measure',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'points'), ('points__gte', 1), ('points__isnull', False)), models.Q(models.Q(('kind', 'points'), _negated=True), ('points', None)), _connector='OR'), name='shops_measure_has_points_exactly_when_it_gives_them'),
        ),
        migrations.AddConstraint(
            model_name='measure',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'score'), ('score__gt', 0), ('score__isnull', False)), models.Q(models.Q(('kind', 'score'), _negated=True), ('score', None)), _connector='OR'), name='shops_measure_has_a_score_exactly_when_it_takes_it_off'),
        ),
        migrations.AddConstraint(
            model_name='measure',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'deduct'), models.Q(('basis', ''), _negated=True)), models.Q(models.Q(('kind', 'deduct'), _negated=True), ('basis', '')), _connector='OR'), name='shops_measure_has_a_basis_exactly_when_it_deducts'),
        ),
        migrations.AddConstraint(
            model_name='measure',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('basis', 'share'), ('share__gt', 0), ('share__isnull', False), ('share__lte', 1)), models.Q(models.Q(('basis', 'share'), _negated=True), ('share', None)), _connector='OR'), name='shops_measure_has_a_share_exactly_when_that_is_its_basis'),
        ),
        migrations.AddConstraint(
            model_name='measure',
            constraint=models.CheckConstraint(condition=models.Q(('amount_fen', None), models.Q(('amount_fen__gte', 0), ('kind__in', ['deduct', 'top_up'])), _connector='OR'), name='shops_measure_amount_is_of_the_deposit_and_not_below_zero'),
        ),
        migrations.AddConstraint(
            model_name='measure',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount_fen__gte', 1), ('amount_fen__isnull', False)), models.Q(('kind', 'top_up'), ('basis__in', ['fixed', 'actual_loss']), _connector='OR', _negated=True), _connector='OR'), name='shops_measure_states_its_amount_where_nothing_else_gives_it'),
        ),
        migrations.AddConstraint(
            model_name='measure',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at', None), ('kind__in', ['points', 'reduce_account', 'reduce_room', 'restrict_live', 'suspend']), _connector='OR'), name='shops_measure_ends_only_where_its_kind_can_end'),
        ),
        migrations.AddConstraint(
            model_name='measure',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'suspend'), _negated=True), ('ends_at__isnull', False), _connector='OR'), name='shops_measure_suspends_until_a_date'),
        ),
        migrations.AddConstraint(
            model_name='measure',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at', None), ('applied_at', None), ('ends_at__gt', models.F('applied_at')), _connector='OR'), name='shops_measure_ends_after_it_began'),
        ),
        migrations.AddConstraint(
            model_name='penalty',
            constraint=models.CheckConstraint(condition=models.Q(('violation_version', None), ('violation__isnull', False), _connector='OR'), name='shops_penalty_keeps_a_version_only_of_its_violation'),
        ),
        migrations.AddField(
            model_name='closure',
            name='shop',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='closures', to='shops.shop', verbose_name='shop'),
        ),
        migrations.AddField(
            model_name='historicalclosure',
            name='history_user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicalclosure',
            name='shop',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='shops.shop', verbose_name='shop'),
        ),
        migrations.AddField(
            model_name='historicalpointsthreshold',
            name='alliance',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text="Empty: the platform's points.", null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='shops.alliance', verbose_name='alliance'),
        ),
        migrations.AddField(
            model_name='historicalpointsthreshold',
            name='history_user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='pointsthreshold',
            name='alliance',
            field=models.ForeignKey(blank=True, help_text="Empty: the platform's points.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='points_thresholds', to='shops.alliance', verbose_name='alliance'),
        ),
        migrations.AddConstraint(
            model_name='closure',
            constraint=models.UniqueConstraint(condition=models.Q(('returned_at', None)), fields=('shop',), name='shops_closure_is_the_only_one_that_lasts', violation_error_message='The shop is closed already.'),
        ),
        migrations.AddConstraint(
            model_name='closure',
            constraint=models.CheckConstraint(condition=models.Q(('returned_at', None), ('returned_at__gt', models.F('closed_at')), _connector='OR'), name='shops_closure_ends_after_it_began'),
        ),
        migrations.AddConstraint(
            model_name='pointsthreshold',
            constraint=models.UniqueConstraint(fields=('alliance', 'points'), name='shops_pointsthreshold_is_one_per_alliance_and_points', nulls_distinct=False, violation_error_message='There is a threshold at these points already.'),
        ),
        migrations.AddConstraint(
            model_name='pointsthreshold',
            constraint=models.CheckConstraint(condition=models.Q(('points__gte', 1)), name='shops_pointsthreshold_is_above_zero', violation_error_message='A threshold is above zero points.'),
        ),
        migrations.AddConstraint(
            model_name='pointsthreshold',
            constraint=models.CheckConstraint(condition=models.Q(('kinds__contained_by', ['warning', 'clear', 'reduce_room', 'reduce_account', 'restrict_live', 'suspend', 'close']), ('kinds__len__gte', 1)), name='shops_pointsthreshold_proposes_what_needs_no_more_said', violation_error_message='A threshold proposes at least one of these measures.'),
        ),
        migrations.AddConstraint(
            model_name='pointsthreshold',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kinds__contains', ['clear']), _negated=True), ('alliance__isnull', False), _connector='OR'), name='shops_pointsthreshold_clears_out_of_its_alliance', violation_error_message='A clearance is out of an alliance: name it.'),
        ),
        migrations.AddConstraint(
            model_name='pointsthreshold',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kinds__contains', ['suspend']), _negated=True), models.Q(('days__gte', 1), ('days__isnull', False)), _connector='OR'), name='shops_pointsthreshold_suspends_for_so_many_days', violation_error_message='A suspension states how many days it lasts.'),
        ),
        migrations.RunSQL("SELECT shops_guard_history('shops')", migrations.RunSQL.noop),
    ]
