"""No secret reaches a log: by the environment's names, and by the shapes of credentials."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clt_operator.api.redaction import REDACTED, redactor, secret_values

SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG",
    "HF_TOKEN": "opaque-value",
    "DB_PASSWORD": "hunter22",
    "SERVICE_API_KEY": "abc.def+ghi",
}


@pytest.mark.parametrize("name", SECRETS)
def test_values_of_secret_variables_are_taken_out(name):
    text = redactor(SECRETS)(f"using {SECRETS[name]} now")
    assert text == f"using {REDACTED} now"


def test_ordinary_variables_stay():
    environment = {"TOKENIZERS_PARALLELISM": "falsely", "HOME": "/home/someone", "A_KEY": "x"}
    assert secret_values(environment) == []


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("id AKIAIOSFODNN7EXAMPLE used", "AKIAIOSFODNN7EXAMPLE"),
        ("login hf_abcdefghijklmnopqrstuv ok", "hf_abcdefghijklmnopqrstuv"),
        ("key sk-abcdefghijklmnopqrstuv", "sk-abcdefghijklmnopqrstuv"),
        ("GET https://user:pa55@host/x", "pa55"),
        ("GET https://only-token@host/x", "only-token"),
        ("Authorization: Bearer abcdef123456", "abcdef123456"),
        ("https://b/x?X-Amz-Signature=0123abcd&y=1", "0123abcd"),
        ("aws_secret_access_key = wJalrXUtnFEMI", "wJalrXUtnFEMI"),
        ('{"password": "correct-horse"}', "correct-horse"),
        ("api-key=abcdefgh1", "abcdefgh1"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "MIIE"),
    ],
)
def test_shapes_of_credentials_are_taken_out(text, secret):
    assert secret not in redactor({})(text)


@pytest.mark.parametrize(
    "text",
    [
        "tokens: 123456789 supervised_tokens=987654321",
        "total_token_count: 123456789",
        "step 10 loss 1.2345 https://example.org/path",
        "key 3f2a1b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708",
    ],
)
def test_figures_and_plain_addresses_stay(text):
    assert redactor({})(text) == text


@given(st.text(min_size=6).filter(lambda s: len(s.strip()) >= 6), st.text(), st.text())
def test_a_secret_never_survives(secret, before, after):
    secret = secret.strip()
    redact = redactor({"X_TOKEN": secret})
    assert secret not in redact(f"{before}{secret}{after}").replace(REDACTED, "\0")
