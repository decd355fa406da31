"""A wire between network namespaces, in a process of its own: `python -m tests.lab.wire SEED PROCESS...`.

Each process stands for the namespace that it is in, a site. A site gets an address (`address_of`) and a device whose
packets come here; a packet goes on to the site that it is for, or does not, as the weather between the two says. So no
queueing discipline of the kernel is needed: `netem` is not everywhere.

Says "ready". Each line of input is a JSON `Change` of the weather, answered with the `Tally` so far. The end of the
input is its end, and with it that of the devices.
"""

import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address
from itertools import count

import msgspec
from msgspec import Struct

from tests.lab.packets import Weather, decide, destination

_NETWORK = IPv4Address("10.98.0.0")
_DEVICE = "wire"
_MTU = 1400
_NEW_NET, _SET_INTERFACE, _IS_TUN = 0x40000000, 0x400454CA, 0x1001
"""CLONE_NEWNET, TUNSETIFF, IFF_TUN with IFF_NO_PI: see unshare(2) and the kernel's tuntap documentation."""
_BURST = 64
"""Packets taken of one device before others have their turn (chosen)."""
_ROOM = 1000
"""Packets that wait at most for one device, as in the queue of a network card: more are lost (the kernel's default)."""


def address_of(site: int) -> str:
    """Where the nodes of a namespace listen."""
    return str(_NETWORK + site + 1)


class Change(Struct, forbid_unknown_fields=True):
    """The weather from the sites `origins` to the sites `targets`; None: all."""

    weather: Weather = Weather()
    origins: list[int] | None = None
    targets: list[int] | None = None


class Tally(Struct):
    """What happened to packets."""

    carried: int = 0
    lost: int = 0
    corrupted: int = 0


def open_device(process: int, address: str) -> int:
    """A device in the namespace of a process; its packets are read from and written to the descriptor."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    away = os.open(f"/proc/{process}/ns/net", os.O_RDONLY)
    try:
        _enter(libc, away)
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(device, _SET_INTERFACE, struct.pack("16sH22x", _DEVICE.encode(), _IS_TUN))
        for command in (
            "link set lo up",
            f"address add {address}/24 dev {_DEVICE}",
            f"link set {_DEVICE} up mtu {_MTU}",
        ):
            subprocess.run(["ip", *command.split()], check=True)
    finally:
        _enter(libc, home)
        os.close(home)
        os.close(away)
    return device


def _configure(*commands: str) -> None:
    for command in commands:
        subprocess.run(["ip", *command.split()], check=True)


def _enter(libc: ctypes.CDLL, namespace: int) -> None:
    if libc.setns(namespace, _NEW_NET):
        raise OSError(ctypes.get_errno(), "the namespace cannot be entered")


class Wire:
    """Carries packets until its input ends."""

    def __init__(self, devices: Sequence[int], seed: int) -> None:
        self._devices = devices
        self._rng = random.Random(seed)
        sites = range(len(devices))
        self._sites = {IPv4Address(address_of(site)).packed: site for site in sites}
        self._weather = {(origin, target): Weather() for origin in sites for target in sites}
        self._last = dict.fromkeys(self._weather, 0.0)
        """When the last packet that keeps its order leaves, by direction."""
        self._due: list[tuple[float, int, int, bytes]] = []
        self._waiting = [0] * len(devices)
        self._numbers = count()
        self._tally = Tally()

    def run(self) -> None:
        """Until the input ends."""
        poll = select.poll()
        for descriptor in (0, *self._devices):
            poll.register(descriptor, select.POLLIN)
        print("ready", flush=True)
        while True:
            for descriptor, _ in poll.poll(self._pause()):
                if descriptor:
                    self.take(self._devices.index(descriptor))
                elif not self._obey(os.read(0, 65536)):
                    return
            self.give()

    def _pause(self) -> float | None:
        """Milliseconds until the next packet is due."""
        return max(0.0, (self._due[0][0] - time.monotonic()) * 1000) if self._due else None

    def _obey(self, lines: bytes) -> bool:
        for line in lines.splitlines():
            self.change(msgspec.json.decode(line, type=Change))
            print(msgspec.json.encode(self._tally).decode(), flush=True)
        return bool(lines)

    def change(self, change: Change) -> None:
        """Let the weather change."""
        for origin, target in self._weather:
            if _is_among(origin, change.origins) and _is_among(target, change.targets):
                self._weather[origin, target] = change.weather

    def take(self, origin: int) -> None:
        """Take the packets that a site sends."""
        now = time.monotonic()
        for packet in _packets(self._devices[origin]):
            target = self._sites.get(destination(packet))
            if target is not None:
                self._send(packet, origin, target, now)

    def _send(self, packet: bytes, origin: int, target: int, now: float) -> None:
        fate = decide(packet, self._weather[origin, target], self._rng)
        self._tally.corrupted += fate.is_corrupt
        if not fate.departures or self._waiting[target] >= _ROOM:
            self._tally.lost += 1
            return
        for after, keeps_order, copy in fate.departures:
            due = now + after
            if keeps_order:
                due = self._last[origin, target] = max(due, self._last[origin, target])
            self._waiting[target] += 1
            heapq.heappush(self._due, (due, next(self._numbers), target, copy))

    def give(self) -> None:
        """Pass on what is due."""
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            _, _, target, packet = heapq.heappop(self._due)
            self._waiting[target] -= 1
            try:
                os.write(self._devices[target], packet)
                self._tally.carried += 1
            except OSError:  # of a packet that was damaged beyond what the system takes, or a device that is down
                self._tally.lost += 1


def _is_among(site: int, sites: list[int] | None) -> bool:
    return sites is None or site in sites


def _packets(device: int) -> Iterator[bytes]:
    for _ in range(_BURST):
        try:
            yield os.read(device, 65536)
        except BlockingIOError:
            return


def main(seed: str, *processes: str) -> None:
    devices = [open_device(int(process), address_of(site)) for site, process in enumerate(processes)]
    Wire(devices, int(seed)).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
