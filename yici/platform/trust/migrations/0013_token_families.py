"""Tokens of the OpenID provider are found by the code they came of."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("trust", "0012_paper_batches"),
        ("allauth_idp_oidc", "0003_client_allow_uri_wildcards"),
    ]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX trust_token_family ON allauth_idp_oidc_token ((data -> 'code')) WHERE data ? 'code'",
            "DROP INDEX trust_token_family",
        ),
    ]
