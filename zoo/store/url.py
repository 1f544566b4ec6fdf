"""The URL of a store: which are taken, and why the others are not."""

from urllib.parse import urlsplit

SCHEMES = ("file", "memory", "s3", "gs", "az", "abfs", "sftp", "http", "https")
READ_ONLY = ("http", "https")


def checked_url(text: str) -> str:
    """Gives a store's URL back, if it is one that may stand in `registry.toml`.

    Chains of protocols, and protocols that run programs or reach into other files, are not taken;
    nor are credentials, which everybody who reads the file would have.

    Raises:
        ValueError: If it is none; the message repeats no part that may be secret.
    """
    if not text or any(character.isspace() or ord(character) < 32 for character in text):
        raise ValueError("it is empty or has blanks; write for example s3://bucket/folder")
    scheme, separator, rest = text.partition("://")
    if "::" in text or not separator or scheme not in SCHEMES:
        raise ValueError(f"it begins with none of {', '.join(f'{s}://' for s in SCHEMES)}")
    parts = urlsplit(text)
    host = parts.netloc.rpartition("@")[0]
    if ":" in host or (host and scheme == "s3"):
        raise ValueError("it has credentials; give them by environment variables or a profile")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise ValueError("it has a `?` or `#`; tokens belong in environment variables")
    if ".." in rest.split("/") or "\\" in text:
        raise ValueError("it has `..` or a backslash")
    if scheme == "file" and not rest.startswith("/"):
        raise ValueError("a file:// URL takes a whole path: file:///folder")
    if not rest.strip("/"):
        raise ValueError(f"it names no place; write for example {scheme}://bucket/folder")
    return text.rstrip("/")
