"""Small files that claim to be large: no memory is allocated because a header says so."""

import json
import resource
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from scripts.lib.datasets.labelled_samples import make_labelled_samples
from scripts.lib.jobs.errors import StudyError
from scripts.lib.members.external_weights import read_state
from scripts.lib.reading.align_predictions import read_scores
from tests.fuzz.cases import ACCEPTED, INTENTION, REFUSED, Case, Refusal, Target, attempt, intention_of
from tests.fuzz.models import safetensors
from tests.fuzz.tables import Draw

MOST_BYTES = 256 << 20  # beside what is in use; a file of these cases has some kilobytes
DTYPES = ["<f8", "<f4", "|u1", "<U1000000000", "<U5", "|S9", "|V100000000000", "<c16", "|O", "<M8[s]", "<i8", "x", ""]
SHAPES = [
    "(3000000000, 1000)", "(1000000000000, 3)", "(2, 1000000000)", "(0, 1000000000000)", "(9223372036854775807, 2)",
    "(4611686018427387904, 4)",
    "(-1, 3)", "(2, -3)", "(1e9, 3)", "(99999999999999999999, 1)", "(2, 3, 100000000000)", "()", "(True, 3)",
    "(2, 3)", "(30000000, 10)",
]  # fmt: skip


def npy(descr: str, shape: str, data: bytes, version: int = 1, length: int | None = None) -> bytes:
    """An .npy file with a header of one's own, which may also lie about its own length."""
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    size = len(header) if length is None else length
    packed = struct.pack("<H" if version == 1 else "<I", size & (0xFFFF if version == 1 else 0xFFFFFFFF))
    return b"\x93NUMPY" + bytes([version, 0]) + packed + header + data


def zipped(name: str, content: bytes, size: int, compressed: bool) -> bytes:
    """A zip file of one entry, which says of itself that it unpacks to `size` bytes."""
    data = zlib.compress(content)[2:-4] if compressed else content
    sum_of, method, raw = zlib.crc32(content), 8 if compressed else 0, name.encode()
    common = struct.pack("<HHHHHIIIHH", 20, 0, method, 0, 33, sum_of, len(data), size & 0xFFFFFFFF, len(raw), 0)
    local = b"PK\x03\x04" + common + raw + data
    central = b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, 0) + raw
    return local + central + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)


@st.composite
def claim_cases(draw: Draw) -> Case:
    """.npy, .npz, .safetensors or .pt whose header promises more than the file has."""
    descr, shape = draw(st.sampled_from(DTYPES)), draw(st.sampled_from(SHAPES))
    data = b"\0" * draw(st.sampled_from([0, 8, 48, 4096]))
    version, length = draw(st.sampled_from([1, 2, 3])), draw(st.sampled_from([None, None, 2**32 - 1, 0, 65535]))
    array = npy(descr, shape, data, version, length)
    honest = npy("<f8", "(400000000, 1)", data)  # but for the zip file's entry, which lies in the same way
    exact = len(honest) - len(data) + 3_200_000_000
    true = npy("<f8", "(2, 3)", b"\0" * 48)  # so that some are accepted
    array, size = draw(
        st.sampled_from(
            [(honest, exact), (true, len(true)), *((array, size) for size in (len(array), 2**31, 2**32 - 1, 0))]
        )
    )
    tensors = {"fc.weight": np.zeros((2, 3), "f4")}
    big = draw(st.sampled_from([2**63, 2**64 - 1, 2**40, 2**31, 99 << 20, 0]))
    form = draw(st.sampled_from(["npy", "npz", "safetensors", "labels"]))
    content = {
        "npy": array,
        "labels": array,
        "npz": zipped("logits.npy", array, size, draw(st.booleans())),
        "safetensors": draw(st.sampled_from([
            struct.pack("<Q", big) + b"{" + b" " * 100,
            safetensors(tensors, shape=[2**31, 2**30], data_offsets=[0, 2**63]),
            safetensors(tensors, shape=[2**40, 0], data_offsets=[0, 0]),
        ])),
    }[form]  # fmt: skip
    name = {"labels": "l.npy", "safetensors": "w.safetensors"}.get(form, f"m.{form}")
    return {INTENTION: json.dumps({"file": name}).encode(), name: content}


def check(folder: Path) -> str:
    """Whatever comes out, it takes no memory to speak of, and no attempt to get it."""
    path = folder / intention_of(folder)["file"]
    read: Callable[[], object] = {
        "m": lambda: read_scores(path).values.shape,
        "w": lambda: read_state(str(path)),
        "l": lambda: labels_of(path, folder),
    }[path.stem]
    with little_memory():
        result = attempt(lambda: without_large_requests(read), path.name)
    return REFUSED if isinstance(result, Refusal) else ACCEPTED


def labels_of(path: Path, folder: Path) -> None:
    dataset = {"id": "clean", "labels": str(path), "samples": None}
    outputs = [str(folder / name) for name in ("labels.npy", "samples.txt", "classes.json", "record.json")]
    make_labelled_samples(dataset, ["a", "b"], {}, *outputs)


def without_large_requests(read: Callable[[], object]) -> object:
    """What `read` returns or raises; a refusal that is only a MemoryError in other words is a failure."""
    try:
        return read()
    except StudyError as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, MemoryError):
                raise AssertionError(f"memory was asked for: {cause}") from None
            cause = cause.__context__
        raise


@contextmanager
def little_memory() -> Iterator[None]:
    """Let this process have a few hundred MB more than it has (Linux; elsewhere it has what the machine has)."""
    size = Path("/proc/self/statm")
    if not size.exists():
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(size.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MOST_BYTES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


TARGETS = [Target("claims", claim_cases(), check)]
