"""Print the floors of the run-time dependencies and of the extra for plots as pins."""

import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
for requirement in [*project["dependencies"], *project["optional-dependencies"]["plot"]]:
    name, floor = requirement.split(">=")
    print(f"{name}=={floor}.*" if floor.count(".") > 1 else f"{name}=={floor}.0")
