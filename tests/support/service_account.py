"""Write a fake but well-formed key file of a Google service account."""

import json
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


def write_key_file(path: Path) -> dict[str, str]:
    """Write a key file with a new key to `path`, and return its content."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # reading a longer key takes 60 ms each time
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    account = {
        "type": "service_account",
        "project_id": "analytics",
        "private_key_id": "0123456789abcdef",
        "private_key": pem.decode(),
        "client_email": "daybook@analytics.iam.gserviceaccount.com",
        "client_id": "123456789012345678901",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    path.write_text(json.dumps(account))
    return account
