"""clamd over a unix socket or TCP, by its INSTREAM command (ClamAV manual, `man clamd`)."""

from __future__ import annotations

import socket
import struct
from typing import BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _

from yici.base.errors import Unavailable
from yici.core.files.rules import CHUNK

TIMEOUT = 30.0  # seconds for connecting and for each read or write


def is_configured() -> bool:
    return bool(settings.ANTIVIRUS_SOCKET)


def scan(stream: BinaryIO) -> str:
    """Name of the virus found, or an empty string for a clean stream. Raises `Unavailable`."""
    try:
        with _connect(settings.ANTIVIRUS_SOCKET) as connection:
            connection.sendall(b"zINSTREAM\0")
            stream.seek(0)
            while chunk := stream.read(CHUNK):
                connection.sendall(struct.pack(">L", len(chunk)) + chunk)
            connection.sendall(struct.pack(">L", 0))
            answer = _read_answer(connection)
    except OSError as error:
        raise Unavailable(_("查毒服务没有回应：%(error)s") % {"error": error}) from error
    # "stream: OK" · "stream: Eicar-Test-Signature FOUND" · "INSTREAM size limit exceeded. ERROR"
    if answer.endswith("FOUND"):
        return answer.removeprefix("stream:").removesuffix("FOUND").strip()
    if answer == "stream: OK":
        return ""
    raise Unavailable(_("查毒服务没有查完：%(answer)s") % {"answer": answer or "-"})


def _connect(address: str) -> socket.socket:
    """`/run/clamd.sock` or `host:port`."""
    if address.startswith("/"):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(TIMEOUT)
        try:
            connection.connect(address)
        except OSError:
            connection.close()
            raise
        return connection
    host, _colon, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=TIMEOUT)


def _read_answer(connection: socket.socket) -> str:
    answer = b""
    while not answer.endswith(b"\0") and len(answer) < 4096:
        piece = connection.recv(1024)
        if not piece:
            break
        answer += piece
    return answer.rstrip(b"\0\n").decode("utf-8", "replace")
