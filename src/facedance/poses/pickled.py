"""Numbers out of a pickle file without unpickling.

AIST++ publishes arrays as pickles, and `pickle.load` runs whatever a file asks for. This reads the same opcodes as data: it knows
the handful of ways in which NumPy writes an array of numbers, refuses everything else, and never imports or calls a
name that stands in the file.
"""

import math
import pickletools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_RECONSTRUCT, _FRAME, _ARRAY, _DTYPE, _ENCODE = "reconstruct", "frombuffer", "ndarray", "dtype", "encode"
_KNOWN = {
    "numpy.core.multiarray _reconstruct": _RECONSTRUCT,
    "numpy._core.multiarray _reconstruct": _RECONSTRUCT,
    "numpy.core.numeric _frombuffer": _FRAME,
    "numpy._core.numeric _frombuffer": _FRAME,
    "numpy ndarray": _ARRAY,
    "numpy dtype": _DTYPE,
    "_codecs encode": _ENCODE,
}
_NUMBERS = re.compile(r"b1|[fiu][1248]")


@dataclass(frozen=True)
class _Name:
    """A name that the file mentions and this module knows; it stands for itself and calls nothing."""

    role: str


@dataclass(frozen=True, eq=False)
class _Unbuilt:
    """An array or dtype whose content comes with the next BUILD."""

    role: str
    code: str = ""


_MARK = object()


def read_pickled(path: Path | str) -> Any:
    """The dicts, lists, tuples, strings, numbers and NumPy arrays of numbers in a pickle file of protocol 0 to 5.

    Raises:
        ValueError: the file is damaged or holds anything else, such as a call.
    """
    try:
        opcodes = list(pickletools.genops(Path(path).read_bytes()))
    except ValueError as error:
        raise ValueError(f"damaged pickle ({error})") from None
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    try:
        for opcode, argument, _ in opcodes:
            _step(opcode.name, argument, stack, memo)
    except (IndexError, KeyError, TypeError) as error:
        raise ValueError(f"damaged pickle ({type(error).__name__}: {error})") from None
    if len(stack) != 1:
        raise ValueError(f"damaged pickle ({len(stack)} values)")
    return stack[0]


def _step(opcode: str, argument: Any, stack: list[Any], memo: dict[int, Any]) -> None:  # noqa: PLR0912, PLR0915  (a table)
    match opcode:
        case "PROTO" | "FRAME" | "STOP":
            pass
        case "MARK":
            stack.append(_MARK)
        case "NONE":
            stack.append(None)
        case "NEWTRUE" | "NEWFALSE":
            stack.append(opcode == "NEWTRUE")
        case "INT" | "BININT" | "BININT1" | "BININT2" | "LONG" | "LONG1" | "LONG4" | "FLOAT" | "BINFLOAT":
            stack.append(argument)
        case "STRING" | "BINSTRING" | "SHORT_BINSTRING" | "UNICODE" | "SHORT_BINUNICODE" | "BINUNICODE" | "BINUNICODE8":
            stack.append(argument)
        case "BINBYTES" | "SHORT_BINBYTES" | "BINBYTES8" | "BYTEARRAY8":
            stack.append(bytes(argument))
        case "EMPTY_TUPLE":
            stack.append(())
        case "TUPLE1" | "TUPLE2" | "TUPLE3":
            count = int(opcode[-1])
            stack[-count:] = [tuple(stack[-count:])]
        case "TUPLE":
            stack.append(tuple(_since_mark(stack)))
        case "EMPTY_LIST":
            stack.append([])
        case "LIST":
            stack.append(_since_mark(stack))
        case "APPEND":
            _extend(stack, [stack.pop()])
        case "APPENDS":
            _extend(stack, _since_mark(stack))
        case "EMPTY_DICT":
            stack.append({})
        case "DICT":
            items = _since_mark(stack)
            stack.append({})
            _set(stack, items)
        case "SETITEM":
            _set(stack, [stack.pop(-2), stack.pop()])
        case "SETITEMS":
            _set(stack, _since_mark(stack))
        case "PUT" | "BINPUT" | "LONG_BINPUT":
            memo[argument] = stack[-1]
        case "MEMOIZE":
            memo[len(memo)] = stack[-1]
        case "GET" | "BINGET" | "LONG_BINGET":
            stack.append(memo[argument])
        case "GLOBAL":
            stack.append(_name(argument))
        case "STACK_GLOBAL":
            name, module = stack.pop(), stack.pop()
            stack.append(_name(f"{module} {name}"))
        case "REDUCE":
            arguments, function = stack.pop(), stack.pop()
            stack.append(_reduce(function, arguments))
        case "BUILD":
            state, unbuilt = stack.pop(), stack.pop()
            built = _build(unbuilt, state)
            stack.append(built)
            memo.update({key: built for key, value in memo.items() if value is unbuilt})
        case _:
            raise ValueError(f"the pickle holds more than numbers (opcode {opcode})")


def _since_mark(stack: list[Any]) -> list[Any]:
    at = max((i for i, value in enumerate(stack) if value is _MARK), default=None)
    if at is None:
        raise ValueError("damaged pickle (a mark was expected)")
    values = stack[at + 1 :]
    del stack[at:]
    return values


def _extend(stack: list[Any], values: list[Any]) -> None:
    if not isinstance(stack[-1], list):
        raise ValueError("damaged pickle (a list was expected)")
    stack[-1].extend(values)


def _set(stack: list[Any], items: list[Any]) -> None:
    keys, values = items[::2], items[1::2]
    if not isinstance(stack[-1], dict) or not all(isinstance(key, str) for key in keys):
        raise ValueError("damaged pickle (a dict with names as keys was expected)")
    stack[-1].update(zip(keys, values, strict=True))


def _name(name: str) -> _Name:
    if name not in _KNOWN:
        raise ValueError(f"the pickle holds more than numbers (it names {name.replace(' ', '.')!r})")
    return _Name(_KNOWN[name])


def _reduce(function: Any, arguments: Any) -> Any:
    """What a call that NumPy writes stands for."""
    match function, arguments:
        case _Name("reconstruct"), (_Name("ndarray"), (0,), b"b" | "b"):
            return _Unbuilt(_ARRAY)
        case _Name("dtype"), (str(code), _, _) if _NUMBERS.fullmatch(code):
            return _Unbuilt(_DTYPE, code)
        case _Name("encode"), (str(text), "latin1"):
            return text.encode("latin1")
        case _Name("frombuffer"), (bytes(data), np.dtype() as dtype, tuple(shape), "C" | "F" as order):
            return _array(data, dtype, shape, order)
    raise ValueError("the pickle holds more than numbers (a call that is not NumPy's)")


def _build(unbuilt: Any, state: Any) -> Any:
    """An array or dtype completed with its state."""
    match unbuilt, state:
        case _Unbuilt("dtype", code), (_, "<" | ">" | "|" as order, None, None, None, -1, -1, 0):
            return np.dtype(code).newbyteorder(order)
        case _Unbuilt("ndarray"), (_, tuple(shape), np.dtype() as dtype, bool(fortran), bytes() | str() as data):
            raw = data.encode("latin1") if isinstance(data, str) else data  # Python 2 wrote strings
            return _array(raw, dtype, shape, "F" if fortran else "C")
    raise ValueError("the pickle holds more than numbers (a state that is not NumPy's)")


def _array(data: bytes, dtype: np.dtype[Any], shape: tuple[Any, ...], order: str) -> np.ndarray[Any, Any]:
    if not all(isinstance(n, int) and n >= 0 for n in shape) or math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"damaged pickle (an array of shape {shape} in {len(data)} bytes)")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if order == "F" else "C").copy()
