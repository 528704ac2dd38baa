"""Addresses under which the page is served: the values of Host that a request may have.

A page of another site can let its own name point to this machine (DNS rebinding). Its requests
then have that name in Host, and are refused.
"""

from __future__ import annotations

import ipaddress
import socket

import psutil  # type: ignore[import-untyped]

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
HTTP_PORT = 80  # which browsers leave out of Host


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def list_hosts(host: str, port: int) -> frozenset[str]:
    """List the values of Host that name this server.

    Parameters
    ----------
    host
        Address that the server listens at. For one of all interfaces, such as ``0.0.0.0``, these
        are the name and the addresses of this machine.
    port
        Port that the server listens at.

    Examples
    --------
    >>> sorted(list_hosts("127.0.0.1", 8000))
    ['127.0.0.1:8000', '[::1]:8000', 'localhost:8000']
    """
    names = {*LOOPBACK_NAMES, _bracket(host).lower()}
    if _is_unspecified(host):
        names |= _names_of_machine()
    hosts = {f"{name}:{port}" for name in names}
    return frozenset(hosts | names if port == HTTP_PORT else hosts)


def format_url(host: str, port: int) -> str:
    """Return the address for the browser, without a path.

    Parameters
    ----------
    host, port
        As for `list_hosts`.

    Examples
    --------
    >>> format_url("::1", 8000), format_url("0.0.0.0", 8000)
    ('http://[::1]:8000', 'http://127.0.0.1:8000')
    """
    name = LOOPBACK_NAMES[0] if _is_unspecified(host) else _bracket(host)
    return f"http://{name}:{port}"


def _bracket(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_unspecified(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _names_of_machine() -> set[str]:
    """Return the name of this machine and the addresses of its interfaces."""
    names = {socket.gethostname().lower()}
    for addresses in psutil.net_if_addrs().values():
        for address in addresses:
            if address.family in (socket.AF_INET, socket.AF_INET6):
                names.add(_bracket(address.address.partition("%")[0]).lower())
    return names
