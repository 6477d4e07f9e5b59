"""What is known of a file, in sentences."""

import math
from collections.abc import Mapping
from typing import Any

from facedance.marks.detect import Sign
from facedance.marks.reading import Credentials
from facedance.marks.verdict import Outcome, Verdict

SUMMARY = {
    Outcome.SIGNED: "made by AI: signed, and unchanged since",
    Outcome.MARKED: "made by AI, says a mark; no signature vouches for the file as it is",
    Outcome.UNMARKED: "no mark says that it is made by AI, which does not mean that it is not",
    Outcome.UNREADABLE: "cannot be read",
}


def sentences(verdict: Verdict) -> list[str]:
    """All that is known of a file, the sum of it first; what files say of themselves cannot command a terminal."""
    return [printable(sentence) for sentence in _sentences(verdict)]


def printable(text: str) -> str:
    """The text with a question mark in place of whatever is no letter, sign or space, such as commands to a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _sentences(verdict: Verdict) -> list[str]:
    if verdict.problem:
        return [f"It {verdict.problem}."]
    summary = SUMMARY[verdict.outcome]
    said = [f"{summary[0].upper()}{summary[1:]}.", *_of_metadata(verdict), _of_watermark(verdict)]
    if verdict.tagged:
        said.append("Tags that nobody signed say that it is made by AI.")
    if verdict.sidecar is not None:
        said.append(_of_sidecar(verdict.sidecar, verdict.sidecar_fits))
    return said


def _of_metadata(verdict: Verdict) -> list[str]:
    if verdict.damaged:
        return [f"Whether it has signed metadata cannot be read ({verdict.damaged})."]
    if verdict.credentials is None:
        return ["It has no signed metadata."]
    credentials = verdict.credentials
    by = f" by {credentials.agent}" if credentials.agent else ""
    what = f"that it is made by AI{by}" if credentials.made_by_ai else f"nothing of AI{f', and names{by[3:]}' if by else ''}"
    program = f", in a claim of {credentials.program}" if credentials.program else ""
    said = [f"Its signed metadata says {what}{program}.", _of_signature(credentials)]
    if credentials.render:
        inputs, people = credentials.render.get("inputs"), credentials.render.get("people")
        known = isinstance(people, int) and people > 0
        agreed = f"; the consent of {people} {'person' if people == 1 else 'people'} is recorded" if known else ""
        said.append(f"It names what went in by {len(inputs) if isinstance(inputs, list) else 0} digests{agreed}.")
    if credentials.inputs:
        said.append(f"Marks of what went in are kept: {', '.join(credentials.inputs)}.")
    return said


def _of_signature(credentials: Credentials) -> str:
    if credentials.self_made:
        whose = "yours" if credentials.own else f"its number is {credentials.serial}"
        who = f"with a certificate that facedance made on the spot, so nobody vouches for who that was ({whose})"
    else:
        whose = ", yours," if credentials.own else ""
        who = f"by {credentials.signer or 'somebody without a name'}{whose} (whether that is to be trusted was not looked up)"
    if credentials.changed:
        return f"It was signed {who}, and it was changed since ({', '.join(credentials.failures)})."
    if credentials.failures:
        return f"It was signed {who}, and the signature is not valid ({', '.join(credentials.failures)})."
    return f"It is signed {who}, and unchanged since."


def _of_watermark(verdict: Verdict) -> str:
    if verdict.unwatched:
        return f"No watermark can be looked for: it {verdict.unwatched}."
    assert verdict.sign is not None
    if not verdict.sign.found:
        return "No watermark of facedance is found in its pictures; with a key that is not known here there may be one."
    sign = verdict.sign
    return f"The watermark of facedance is found{_where(sign)}, with {_key(sign)} key: {_odds(sign)}."


def _where(sign: Sign) -> str:
    parts = [*(["mirrored"] if sign.mirrored else []), *([f"at {sign.scale:.0%} of its size"] if sign.scale != 1 else [])]
    return f" ({', '.join(parts)})" if parts else ""


def _key(sign: Sign) -> str:
    return "everybody's" if sign.key == "everybody's" else "your own"


def _odds(sign: Sign) -> str:
    return f"less than one in 10^{math.floor(-sign.log_chance)} videos without it would look so"


def _of_sidecar(sidecar: Mapping[str, Any], fits: bool | None) -> str:
    people = sidecar.get("people")
    names = ", ".join(people) if isinstance(people, Mapping) else "somebody"
    made = sidecar.get("provenance")
    model = f", made with {made['model']}" if isinstance(made, Mapping) and "model" in made else ""
    truth = {True: "It is the one that was signed", False: "It is not the one that was signed", None: "Nothing signs it"}[fits]
    return (
        f"The sidecar says that it shows {names} in {sidecar.get('clip', 'a clip')}, variant {sidecar.get('variant', 'unknown')}"
        f"{model}. {truth}."
    )
