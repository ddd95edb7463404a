"""A caller on Asterisk's side of FastAGI who has channel variables and presses keys; one visit per :meth:`visit`."""

import asyncio
import re
import shlex
from collections.abc import Iterable

from tests.support.agi_peer import request_block

_SET = re.compile(r'SET VARIABLE (\S+) "(.*)"')


class AgiCaller:
    """``keys``: what GET DATA, WAIT FOR DIGIT and STREAM FILE hear, one entry a command; ``""`` is silence."""

    def __init__(self, port: int, *, keys: Iterable[str] = (), **variables: str) -> None:
        self.commands: list[str] = []
        self.variables = dict(variables)
        self._port = port
        self._keys = iter(keys)
        self.in_menu = asyncio.Event()
        """Set when a key is awaited that nobody presses (the keys are used up)."""

    async def visit(self, path: str = "flow") -> bool:
        """One AGI() of the dialplan, until the service lets go; whether it could be reached."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except ConnectionRefusedError:
            return False
        try:
            writer.write(request_block(path, arg_1=f"CC_STEP={self.variables.get('CC_STEP', '')}"))
            while line := await reader.readline():
                command = line.decode().rstrip("\n")
                self.commands.append(command)
                reply = self._reply(command)
                if reply is not None:
                    writer.write(f"{reply}\n".encode())
        except ConnectionResetError:
            pass  # the service ended the visit in the middle
        finally:
            writer.close()
        return True

    def _reply(self, command: str) -> str | None:
        words = shlex.split(command)
        match words:
            case ["SET", "VARIABLE", name, value]:
                self.variables[name] = value
                return "200 result=1"
            case ["EXEC", "MSet", pairs]:
                self.variables |= dict(pair.split("=", 1) for pair in pairs.split(","))
                return "200 result=0"
            case ["GET", "VARIABLE", name]:
                value = self.variables.get(name, "")
                return f"200 result=1 ({value})" if value else "200 result=0"
            case ["GET", "DATA", *_]:
                key = next(self._keys, None)
                if key is None:
                    self.in_menu.set()
                    return None
                return f"200 result={key.rstrip('#')}" if key else "200 result= (timeout)"
            case ["WAIT", "FOR", "DIGIT", _]:
                key = next(self._keys, "")
                return f"200 result={ord(key) if key else 0}"
            case ["STREAM", "FILE", _, escape]:
                key = next(self._keys, "") if escape else ""
                return f"200 result={ord(key) if key else 0} endpos=0"
            case _:
                return "200 result=0"

    def said(self) -> list[str]:
        """The commands without those that arm the time-out."""
        return [command for command in self.commands if "TIMEOUT(absolute)" not in command]

    def armed(self, command: str) -> int:
        """Seconds the channel was left when this command was given (the last one that starts so)."""
        index = max(n for n, one in enumerate(self.commands) if one.startswith(command))
        before = [_SET.fullmatch(one) for one in self.commands[:index] if "TIMEOUT(absolute)" in one]
        last = before[-1]
        assert last is not None
        return int(last[2])
