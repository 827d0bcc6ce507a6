"""Making a picture small. Runs in a process of its own, so it imports nothing of the hub, and the
hub nothing of what draws."""

from io import BytesIO

MOST_PIXELS = 40_000_000
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")


def draw(image: bytes, size: int) -> bytes | None:
    """None for what is no picture, or too large a one to be unpacked."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - by the process that draws alone

    try:
        with Image.open(BytesIO(image), formats=FORMATS) as found:
            width, height = found.size
            if width * height > MOST_PIXELS:
                return None
            found.draft("RGB", (size, size))
            upright = ImageOps.exif_transpose(found)
            upright.thumbnail((size, size))
            written = BytesIO()
            upright.convert("RGBA" if upright.mode in {"P", "LA", "RGBA", "PA"} else "RGB").save(
                written, "WEBP", quality=80
            )
            return written.getvalue()
    except Exception:  # noqa: BLE001 - a picture can be broken in any way
        return None
