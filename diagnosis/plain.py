"""Plain tensors: dense, with values that can be read, in a dtype that torch computes with."""

import torch

from diagnosis.subject import DiagnosisError

FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
INTEGERS = (torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.uint16, torch.uint32, torch.uint64)


def plain(tensor: torch.Tensor, name: str, code: str | None = None) -> torch.Tensor:
    """The tensor without its graph, in the same memory. The message of an error calls it `name`, or `code` in code.

    Raises:
        DiagnosisError: it is complex, has a float of 8 bits or less, or is not `readable`.
    """
    code = code or name
    found = readable(tensor, name, code)
    if found.is_complex():
        raise DiagnosisError(
            f"{name} is {found.dtype}; a cosine takes real numbers: torch.view_as_real({code}).flatten(1)"
        )
    if found.dtype not in (*FLOATS, *INTEGERS, torch.bool):
        raise DiagnosisError(f"{name} is {found.dtype}, which torch stores but can't compute with; {code}.float()")
    return found


def readable(tensor: torch.Tensor, name: str, code: str | None = None) -> torch.Tensor:
    """The same for any dtype.

    Raises:
        DiagnosisError: it is nested, sparse or quantized, or has no values.
    """
    code = code or name
    if tensor.is_nested:
        raise DiagnosisError(f"{name} is a nested tensor, with items of unequal lengths; pool each to one vector [D]")
    if tensor.is_quantized:
        raise DiagnosisError(f"{name} is a quantized tensor, {tensor.dtype}; restore its values: {code}.dequantize()")
    if tensor.layout != torch.strided:
        raise DiagnosisError(f"{name} is a {tensor.layout} tensor; make it a dense one: {code}.to_dense()")
    try:
        tensor.detach().flatten()[:1].tolist()
    except RuntimeError as error:  # on the device "meta", in a FakeTensorMode, inside torch.func.vmap
        raise DiagnosisError(
            f"{name} {tuple(tensor.shape)} on {tensor.device} has no values; compute it on a device that holds them, "
            "outside of torch.func and of fake tensors"
        ) from error
    return tensor.detach()
