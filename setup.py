"""The wheel also carries what the code reads beside itself: flows, prompts, templates, migrations (core/shipped.py)."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

FOLDERS = ("asterisk_conf", "ivr_flows", "migrations", "prompts")


class BuildWithShippedFiles(build_py):
    """An editable installation reads the repository's own folders."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        root = Path(__file__).resolve().parent
        for name in FOLDERS:
            target = Path(self.build_lib) / "callcenter" / "shipped" / name
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(root / name, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))


setup(cmdclass={"build_py": BuildWithShippedFiles})
