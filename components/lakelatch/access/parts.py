"""What every part of the model is made of: kinds of value, and a base that knows its keys and never changes."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from lakelatch.access.subjects.exact import looseness


class Part(BaseModel):
    """A part of the model: its keys are known, and it never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _exact(value: str) -> str:
    if reason := looseness(value):
        raise ValueError(f"{reason.removeprefix('it ')}; write it exactly as the token has it")
    return value


Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", to_lower=True)]
"""A UUID in hexadecimal, kept in lower case (RFC 9562 §4)."""
DecimalId = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")]
"""A number that names something; text, so that no reader rounds it."""
Text = Annotated[str, StringConstraints(min_length=1, max_length=256, strip_whitespace=True)]
"""Something that a person reads: a name or a sentence."""
Exact = Annotated[str, AfterValidator(_exact)]
"""A value that is compared to the letter with a token's: never empty, no wildcard, no stray white space."""
