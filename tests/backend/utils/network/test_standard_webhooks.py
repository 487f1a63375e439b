from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from backend.utils.network.standard_webhooks import read_secret, sign

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def test_the_standard_s_own_package_verifies_it():
    body = '{"type": "task.completed", "prompt": "狐狸"}'
    moment_s = int(datetime.now(UTC).timestamp())
    headers = {
        "webhook-id": "0a1b_completed",
        "webhook-timestamp": str(moment_s),
        "webhook-signature": sign(read_secret(SECRET), "0a1b_completed", moment_s, body.encode()),
    }

    assert Webhook(SECRET).verify(body, headers)["type"] == "task.completed"
    for forged in ({"webhook-id": "other"}, {"webhook-timestamp": str(moment_s - 1)}):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(body, headers | forged)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body + " ", headers)


@pytest.mark.parametrize(
    "text",
    ["", "whsec_", "whsec_c2hvcnQ=", SECRET.removeprefix("whsec_"), "whsec_no base64 at all, none, none, none, none",
     "whsec_" + base64.b64encode(bytes(65)).decode()],
)  # fmt: skip
def test_a_secret_has_24_to_64_bytes(text):
    with pytest.raises(ValueError, match="24 to 64"):
        read_secret(text)
