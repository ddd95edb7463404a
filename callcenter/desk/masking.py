"""What an agent sees of a patient before the caller is verified, or a reason was stated."""

MASK = "*"


def mask_name(name: str) -> str:
    """First and last sign of a name of three or more, the first of a shorter one: 张*, 欧*明, J***n."""
    letters = name.strip()
    if len(letters) <= 2:
        return letters[:1] + MASK
    return letters[0] + MASK * min(len(letters) - 2, 3) + letters[-1]
