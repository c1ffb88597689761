"""Damage to the bytes of a file: flipped, lost, repeated and strange ones, and files of nothing else."""

import json
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.fuzz.cases import INTENTION, Case

# Byte sequences that readers of text and binary formats often handle wrongly.
TOKENS = [
    b"\x00", b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xe2\x80\xa8", b"\xc2\x85", b"\n", b"\r",
    b"\r\n", b"\n\n",
    b",", b";", b"\t", b'"', b'""', b"'", b"#", b":", b" ", b"-", b"nan", b"inf", b"-inf", b"null", b"1e999", b"1_0",
    b"0x1F", b"1,5", b"+1", b"9" * 30, b"1" * 5000, b"[" * 2000, b"{", b"}", b"]", b"&a ", b"*a", b"<<: ", b"!!binary ",
    b"!!python/object:os.system ", b"? ", b"| ", b"2020-99-99", b"PK\x03\x04", b"\x93NUMPY", b"PAR1",
    b"\x7f\xff\xff\xff\xff\xff\xff\xff", b"\x00" * 64,
]  # fmt: skip


@dataclass(frozen=True)
class Damage:
    """One change of bytes, at a place and over a length that are taken modulo what there is."""

    kind: str
    place: int
    length: int
    token: bytes

    def __call__(self, data: bytes) -> bytes:
        start = self.place % (len(data) + 1)
        stop = min(len(data), start + self.length)
        if self.kind == "flip":
            at = self.place % max(1, len(data))
            return data[:at] + bytes(byte ^ (1 << self.length % 8) for byte in data[at : at + 1]) + data[at + 1 :]
        return {
            "truncate": data[:start],
            "delete": data[:start] + data[stop:],
            "insert": data[:start] + self.token + data[start:],
            "replace": data[:start] + self.token + data[start + len(self.token) :],
            "repeat": data[:stop] + data[start:],
            "swap": data[stop:] + data[:stop],
            "all": self.token,
        }[self.kind]


KINDS = ["flip", "flip", "replace", "insert", "delete", "truncate", "repeat", "swap", "all"]
DAMAGES = st.builds(
    Damage,
    st.sampled_from(KINDS),
    st.integers(0, 1 << 16),
    st.integers(0, 40),
    st.sampled_from(TOKENS) | st.binary(max_size=60),
)


def damaged(cases: st.SearchStrategy[Case]) -> st.SearchStrategy[Case]:
    """Cases of which one file, other than the intention, has been damaged: `damaged` in the intention says which."""

    def damage(files: Case, changes: list[Damage], which: int) -> Case:
        names = sorted(name for name in files if name != INTENTION)
        name = names[which % len(names)]
        content = files[name]
        for change in changes:
            content = change(content)
        intention = json.loads(files[INTENTION]) | {"damaged": name}
        return {**files, INTENTION: json.dumps(intention).encode(), name: content}

    return st.builds(damage, cases, st.lists(DAMAGES, min_size=1, max_size=3), st.integers(0, 7))
