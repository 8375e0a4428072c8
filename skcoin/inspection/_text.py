"""Numbers in words."""


def several(number, thing, plural="s", spec=".12g"):
    """A number of things, in words."""
    return f"{number:{spec}} {thing}{'' if number == 1 else plural}"
