"""Why a dial was not answered: the outcome that stands for a cause in the ledger."""

_OUTCOME_OF_CAUSE = {
    1: "invalid_number",
    3: "unreachable",
    17: "busy",
    18: "no_answer",
    19: "no_answer",
    20: "unreachable",
    21: "rejected",
    22: "invalid_number",
    27: "unreachable",
    28: "invalid_number",
    34: "network_failure",
    38: "network_failure",
    41: "network_failure",
    42: "network_failure",
    44: "network_failure",
}
"""ITU-T Q.850 causes as Asterisk 22 gives them for SIP answers: 404:1, 480:19, 486:17, 503:34, 603:21 (measured)."""


def outcome_of_cause(cause: int | None) -> str | None:
    """The attempt's outcome for a HANGUP's cause; None for one that says nothing of it."""
    return _OUTCOME_OF_CAUSE.get(cause or 0)
