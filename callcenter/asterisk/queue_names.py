"""Queues that exist in Asterisk only, in the service of one of ours, and how their names tell so.

A *personal queue* has one agent for its only member: the caller's last agent is tried there first. A *shadow queue*
has all members of its queue but one, the agent complained of. Ledger, boards and figures know neither: a caller who
stands there stands in our queue.
"""

PERSONAL_PREFIX = "own-"
_SHADOW = "--not-"


def personal_queue(agent_number: str) -> str:
    """The queue whose only member is this agent."""
    return f"{PERSONAL_PREFIX}{agent_number}"


def shadow_queue(queue: str, agent_number: str) -> str:
    """``queue`` without this agent."""
    return f"{queue}{_SHADOW}{agent_number}"


def is_personal(app_queue: str) -> bool:
    return app_queue.startswith(PERSONAL_PREFIX)


def main_queue(app_queue: str, wanted: str) -> str:
    """Our queue behind Asterisk's name for it; ``wanted`` (CC_QUEUE of the call) if it is a personal queue."""
    return wanted if is_personal(app_queue) else app_queue.partition(_SHADOW)[0]


def is_ours_alone(name: str) -> bool:
    """Whether a queue may not be called so, because the name would mean one of these."""
    return is_personal(name) or "--" in name
