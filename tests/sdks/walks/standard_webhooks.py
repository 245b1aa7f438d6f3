"""A merchant who checks notices with the public library of Standard Webhooks."""

from standardwebhooks import Webhook, WebhookVerificationError

from tests.sdks.walks.walker import GIVEN, refused

for notice in GIVEN["notices"]:
    body, headers = notice["body"], notice["headers"]
    for secret in GIVEN["secrets"]:
        told = Webhook(secret).verify(body, headers)
        assert {"type", "timestamp", "data"} <= set(told), told
        for wrong in (
            lambda: Webhook("whsec_" + "A" * 32).verify(body, headers),  # noqa: B023
            lambda: Webhook(secret).verify(body + " ", headers),  # noqa: B023
            lambda: Webhook(secret).verify(body, {**headers, "webhook-id": "evt_0"}),  # noqa: B023
        ):
            refused(wrong, WebhookVerificationError)
