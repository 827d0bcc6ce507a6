"""AES-256-GCM: what is sealed can be neither read nor changed without the key."""


class AlteredError(Exception):
    """What was to be opened isn't what was sealed with this key in this place."""


# Its library takes 8 MiB. It is loaded when something is first sealed or opened: where gateways
# have tokens or browsers open sockets, and never in a hub whose agents only pull.


def seal(key: bytes, nonce: bytes, content: bytes, place: bytes | None = None) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key).encrypt(nonce, content, place)


def open_sealed(key: bytes, nonce: bytes, sealed: bytes, place: bytes | None = None) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(nonce, sealed, place)
    except (InvalidTag, ValueError) as error:
        raise AlteredError from error
