"""Every kernel reads in the order that kernels/__init__.py states, and launches name their arguments."""

import ast
from pathlib import Path

import pytest

import kernels

FILES = sorted(Path(kernels.__file__).parent.glob("*.py"))
PARTS = ("public", "numba", "triton", "torch")
# Kernels that have not all parts: docs/kernels.md says why.
WITHOUT_TRITON = {"public", "numba", "torch"}
FEWER_PARTS = {"cka": {"public"}, "average_nll": WITHOUT_TRITON, "consensus_order": WITHOUT_TRITON}


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def parts(tree: ast.Module) -> list[str]:
    """Which part each function is that belongs to one, in the order of the file; the others are helpers."""
    found = []
    for function in [node for node in tree.body if isinstance(node, ast.FunctionDef)]:
        decorators = {ast.unparse(decorator).removeprefix("triton.") for decorator in function.decorator_list}
        if function.name in kernels.__all__:
            found.append("public")
        elif decorators & {"compiled", "compiled_reassociating"} or function.name.endswith("_numba"):
            found.append("numba")
        elif "jit" in decorators or function.name.endswith("_triton"):
            found.append("triton")
        elif function.name.endswith("_torch"):
            found.append("torch")
    return found


@pytest.mark.parametrize("name", sorted({*kernels.__all__} - {"cka_of_sums", "hsic_sums"}))
def test_parts_stand_in_order(name: str) -> None:
    path = Path(kernels.__file__).parent / f"{name}.py"
    found = parts(parsed(path))
    assert found == sorted(found, key=PARTS.index)
    elsewhere = [part for part in ("numba", "triton") if path.with_name(f"{name}_{part}.py").is_file()]
    assert {"public", *found, *elsewhere} == FEWER_PARTS.get(name, set(PARTS))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_launches_name_their_arguments(path: Path) -> None:
    """In `kernel[grid](...)` with sixteen positional arguments two could be swapped unnoticed."""
    launches = [
        node
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Subscript)
        and ast.unparse(node.func).count("kernel")
    ]
    assert not [ast.unparse(launch) for launch in launches if launch.args]
    kernels_here = [f for f in ast.walk(parsed(path)) if isinstance(f, ast.FunctionDef) and f.name.endswith("_kernel")]
    assert len(launches) == len(kernels_here)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_parameters_of_triton_kernels_are_explained(path: Path) -> None:
    """Each is a pointer with dtype and shape, an integer, or a compile-time constant."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for function in ast.walk(parsed(path)):
        if isinstance(function, ast.FunctionDef) and function.name.endswith("_kernel"):
            for argument in function.args.args:
                assert argument.annotation is not None
                kind = ast.unparse(argument.annotation)
                assert kind in {"gpu.Pointer", "gpu.Integer", "tl.constexpr"}, argument.arg
                comment = lines[argument.lineno - 1].partition("#")[2]
                assert kind != "gpu.Pointer" or ("[" in comment and "]" in comment), argument.arg


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_is_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300
