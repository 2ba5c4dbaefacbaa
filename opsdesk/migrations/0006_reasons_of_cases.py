
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('opsdesk', '0004_product_reasons'),
    ]

    operations = [
        migrations.AlterField(
            model_name='decision',
            name='reason',
            field=models.CharField(choices=[('below_bar', 'below the bar'), ('papers_missing', 'papers missing'), ('papers_expired', 'papers expired'), ('papers_rejected', 'papers rejected'), ('judgement', 'judgement'), ('qualifies', 'qualifies'), ('little_sold', 'little sold yet'), ('above_limit', 'above the limit'), ('violation', 'violation established'), ('points_reached', 'points reached'), ('controller_barred', 'the controller is barred'), ('data_late_or_wrong', 'data late or wrong'), ('recovered', 'recovered'), ('renewed', 'papers renewed'), ('exempted', 'exempted'), ('platform_incident', 'platform incident'), ('duplicate', 'duplicate'), ('thin_evidence', 'thin evidence'), ('unfounded', 'case unfounded'), ('automatic', 'by automatic rules'), ('other', 'other, see note')], max_length=40, verbose_name='reason'),
        ),
        migrations.AlterField(
            model_name='historicaldecision',
            name='reason',
            field=models.CharField(choices=[('below_bar', 'below the bar'), ('papers_missing', 'papers missing'), ('papers_expired', 'papers expired'), ('papers_rejected', 'papers rejected'), ('judgement', 'judgement'), ('qualifies', 'qualifies'), ('little_sold', 'little sold yet'), ('above_limit', 'above the limit'), ('violation', 'violation established'), ('points_reached', 'points reached'), ('controller_barred', 'the controller is barred'), ('data_late_or_wrong', 'data late or wrong'), ('recovered', 'recovered'), ('renewed', 'papers renewed'), ('exempted', 'exempted'), ('platform_incident', 'platform incident'), ('duplicate', 'duplicate'), ('thin_evidence', 'thin evidence'), ('unfounded', 'case unfounded'), ('automatic', 'by automatic rules'), ('other', 'other, see note')], max_length=40, verbose_name='reason'),
        ),
    ]
