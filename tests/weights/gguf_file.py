"""Small but well-formed GGUF files for tests."""

import struct


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def pair(key, value):
    if isinstance(value, str):
        return text(key) + struct.pack("<I", 8) + text(value)
    if isinstance(value, list):
        return text(key) + struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(text, value))
    return text(key) + struct.pack("<II", 4, value)


def gguf_bytes(*, context=1024, template=None, payload=4096):
    """A header as llama.cpp writes it, and one tensor of `payload` bytes of noise."""
    values = {
        "general.architecture": "llama",
        "tokenizer.ggml.tokens": ["a", "b", "ü"],
        "llama.context_length": context,
    }
    if template is not None:
        values["tokenizer.chat_template"] = template
    head = b"GGUF" + struct.pack("<IQQ", 3, 2, len(values))
    head += b"".join(pair(key, value) for key, value in values.items())
    for name, offset in (("first", 0), ("last", payload - 32)):
        head += text(name) + struct.pack("<IQIQ", 1, 8, 0, offset)
    head += b"\0" * (-len(head) % 32)
    return head + bytes(range(256)) * (payload // 256)


def write_gguf(path, **fields):
    path.write_bytes(gguf_bytes(**fields))
    return path
