"""MEF3 sessions (.mefd): explanation of errors of their reader."""

from __future__ import annotations


def explain_error(error: Exception, name: str) -> str:
    """Explain an error of pymef in one line, "" if its message is clear by itself.

    Examples
    --------
    >>> explain_error(RuntimeError("MEF password is invalid"), "x.mefd")
    'x.mefd is encrypted, which is not supported; decrypt it'
    """
    if "password" in str(error).casefold():
        return f"{name} is encrypted, which is not supported; decrypt it"
    return ""
