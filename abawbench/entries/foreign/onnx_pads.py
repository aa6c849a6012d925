"""ONNX graphs whose padding onnxruntime computes as a part of the convolution that follows it."""

from __future__ import annotations

from collections.abc import Callable, Generator

# first bytes of fields in onnx.proto: the graph of a model, the nodes of a graph, inputs and kind of a node
_GRAPH, _NODE, _INPUT, _KIND = 0x3A, 0x0A, 0x0A, 0x22
_PAD = bytes((_KIND, 3)) + b"Pad"
# bits of the longest number in a protocol buffer
_LONGEST = 64


def with_fusible_pads(data: bytes) -> bytes:
    """The same graph without empty names at the end of the inputs of its Pad nodes.

    An empty name stands for an input that is left out, here the padding value, which is then 0. torch's exporter writes
    it. onnxruntime would compute such a padding apart from the convolution: the same numbers in more time.

    Args:
        data: bytes of a model; others are returned as they are.
    """
    if _PAD not in data:
        return data
    view = memoryview(data)
    try:
        changed = _change(view, _GRAPH, lambda graph: _change(graph, _NODE, _without_empty_inputs))
    except (ValueError, IndexError):
        return data
    return data if changed is view else bytes(changed)


def _without_empty_inputs(node: memoryview) -> memoryview:
    fields = [bytes(whole) for whole, _ in _fields(node)]
    if _PAD not in fields:
        return node
    empty = bytes((_INPUT, 0))
    inputs = [place for place, whole in enumerate(fields) if whole[0] == _INPUT]
    kept = len(fields)
    while inputs and fields[inputs[-1]] == empty:
        del fields[inputs.pop()]
    return node if len(fields) == kept else memoryview(b"".join(fields))


def _change(message: memoryview, key: int, change: Callable[[memoryview], memoryview]) -> memoryview:
    """A message with other values in the fields of a key; the same object where every value stays the same object."""
    parts: list[memoryview | bytes] = []
    is_changed = False
    for whole, value in _fields(message):
        new = change(value) if whole[0] == key else value
        if new is value:
            parts.append(whole)
        else:
            is_changed = True
            parts += [bytes((key,)), _varint(len(new)), new]
    return memoryview(b"".join(parts)) if is_changed else message


def _fields(message: memoryview) -> Generator[tuple[memoryview, memoryview]]:
    """All bytes and the value of each field. Raises: ValueError or IndexError, the bytes are no message."""
    place = 0
    while place < len(message):
        begin = place
        key, place = _read_varint(message, place)
        match key & 7:
            case 0:
                _, end = _read_varint(message, place)
            case 1:
                end = place + 8
            case 2:
                length, place = _read_varint(message, place)
                end = place + length
            case 5:
                end = place + 4
            case kind:
                raise ValueError(f"a field of wire type {kind}")
        if end > len(message):
            raise ValueError("a field that reaches beyond the end")
        yield message[begin:end], message[place:end]
        place = end


def _read_varint(message: memoryview, place: int) -> tuple[int, int]:
    """A number in bytes of seven bits, and the place behind it. Raises: ValueError, it is too long; IndexError."""
    value = 0
    for shift in range(0, _LONGEST, 7):
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("a number without end")


def _varint(value: int) -> bytes:
    parts: list[int] = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*parts, value))
