"""The body of a data frame."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partisan_core.errors import FrameError
from partisan_core.wire.batch import encode_data, split_data
from partisan_core.wire.frames import FrameReader, Kind, encode_frame


@given(st.integers(0, 2**64 - 1), st.binary(min_size=1, max_size=200), st.data())
def test_a_batch_comes_back_as_it_was(first: int, payload: bytes, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, len(payload)))
    (frame,) = FrameReader(1000).feed(encode_data(first, count, payload))
    assert (frame.kind, frame.flags, frame.number) == (Kind.DATA, 0, first)
    found, content = split_data(frame.body)
    assert (found, bytes(content)) == (count, payload)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.binary(max_size=200))
def test_a_data_frame_is_a_frame_like_any_other(first: int, count: int, payload: bytes) -> None:
    body = count.to_bytes(4, "little") + payload
    assert encode_data(first, count, payload) == encode_frame(Kind.DATA, body, first)


@given(st.binary(max_size=30))
def test_any_body_is_split_or_refused_by_name(body: bytes) -> None:
    try:
        count, payload = split_data(memoryview(body))
    except FrameError:
        return
    assert 0 < count <= len(payload)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "0 bytes has no messages"),
        (b"\x01\x00\x00\x00", "4 bytes has no messages"),
        (b"\x00\x00\x00\x00x", "claims 0 messages in 1 bytes"),
        (b"\x02\x00\x00\x00x", "claims 2 messages in 1 bytes"),
    ],
)
def test_a_batch_without_messages_or_with_more_than_bytes_is_refused(body: bytes, complaint: str) -> None:
    with pytest.raises(FrameError, match=complaint):
        split_data(memoryview(body))
