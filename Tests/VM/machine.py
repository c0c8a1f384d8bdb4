"""The emulated computer: QEMU, its disk, and the agent inside."""
import ctypes
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import threading
import time

from write_log import cut_power

KERNEL_OPTIONS = (
    "console=ttyS0 quiet loglevel=3 systemd.show_status=0 mitigations=off audit=0 random.trust_cpu=on "
    "no_timer_check tsc=reliable panic=10"
)
PR_SET_PDEATHSIG = 1


class MachineError(Exception):
    """The guest does not do what a guest must do."""


class Machine:
    """A guest with a disk of its own in `directory`, which keeps what is written over reboots and power cuts.

    `image` is the directory that build-image filled. What is in `directory`/host is /mnt/host in the guest.
    """

    def __init__(self, image: pathlib.Path, directory: pathlib.Path):
        self.image, self.directory = image, directory
        self.disk = directory / "disk.img"
        self.events_file = directory / "events"  # what the guest sends over its port traveler.events
        self.answers_file = directory / "answers"  # and traveler.answers
        self.agent: Agent | None = None
        self._process: subprocess.Popen | None = None
        (directory / "host").mkdir(parents=True, exist_ok=True)
        for file in (self.events_file, self.answers_file):
            file.write_bytes(b"")
        subprocess.run(["cp", "--sparse=always", image / "root.img", self.disk], check=True)

    def start(self) -> None:
        """Switches the computer on; returns when the agent is there."""
        for name in ("agent", "qmp"):
            (self.directory / name).unlink(missing_ok=True)
        # What this start writes goes into an overlay and into a log; the disk stays as it was.
        overlay = self.directory / "overlay.qcow2"
        overlay.unlink(missing_ok=True)
        subprocess.run(
            ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", self.disk.resolve(), overlay], check=True
        )
        self._write_log.write_bytes(b"")
        output = open(self.directory / "qemu.log", "w")
        self._process = subprocess.Popen(
            self._command(overlay), stdin=subprocess.DEVNULL, stdout=output, stderr=output, preexec_fn=_die_with_parent
        )
        output.close()
        self.agent = Agent(self._connect("agent"))
        self.await_agent()

    def await_agent(self, seconds: float = 240) -> None:
        """Waits for the agent's first words after a start or a reboot."""
        if not self.agent.ready.wait(seconds):
            self.kill()
            raise MachineError(f"the guest did not come up in {seconds} s; see {self.directory}/console.log")
        self.agent.ready.clear()

    def reboot(self) -> None:
        """Restarts the guest as `systemctl reboot` does; returns when the agent is back."""
        self.agent.ask({"run": "systemctl --no-block reboot"})
        self.await_agent()

    def cut_power(self, seed: int) -> tuple[int, int]:
        """Takes the power away, in whatever the guest is doing. The next start finds what was flushed, and some of what
        was not. Answers how many writes were not flushed, and how many of them are lost."""
        # At any moment of a commit: what a scenario waits for comes right after one.
        time.sleep(random.Random(seed).uniform(0, 0.05))
        self.kill()
        return cut_power(self.disk, self._write_log, seed)

    def kill(self) -> None:
        """Ends QEMU."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def share(self, source: pathlib.Path, name: str) -> None:
        """Makes a copy of a file or directory visible in the guest as /mnt/host/NAME."""
        target = self.directory / "host" / name
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copy(source, target)

    @property
    def _write_log(self) -> pathlib.Path:
        return self.directory / "writes.log"

    def _connect(self, name: str) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + 10
        while True:
            try:
                # A path relative to here may be longer than a socket's address can be.
                connection.connect(os.path.relpath(self.directory / name))
                return connection
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise MachineError("QEMU ended: " + (self.directory / "qemu.log").read_text()) from None
                time.sleep(0.02)

    def _command(self, overlay: pathlib.Path) -> list[str]:
        directory = self.directory

        command = ["qemu-system-x86_64", "-machine", "q35,i8042=off", "-nodefaults", "-no-user-config"]
        # Software emulation: it works on every machine, and /dev/kvm may be there and still not start a guest.
        command += ["-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max,-erms", "-smp", "2", "-m", "768"]
        command += ["-display", "none", "-serial", f"file:{directory}/console.log"]
        command += ["-kernel", f"{self.image}/vmlinux", "-initrd", f"{self.image}/initrd.img", "-append", KERNEL_OPTIONS]
        command += ["-device", "virtio-rng-pci", "-device", "virtio-serial-pci"]
        # The disk has a volatile write cache, as disks have: the guest must flush what shall survive.
        disk = "driver=blklogwrites,node-name=disk"
        disk += f",file.driver=qcow2,file.file.driver=file,file.file.filename={overlay}"
        disk += f",log.driver=file,log.filename={self._write_log}"
        command += ["-blockdev", disk]
        command += ["-device", "virtio-blk-pci,drive=disk,write-cache=on,discard=off,write-zeroes=off"]
        command += ["-chardev", f"socket,id=agent,path={directory}/agent,server=on,wait=off"]
        command += ["-device", "virtserialport,chardev=agent,name=traveler.agent"]
        for name in ("events", "answers"):
            command += ["-chardev", f"file,id={name},path={directory}/{name},append=on"]
            command += ["-device", f"virtserialport,chardev={name},name=traveler.{name}"]
        command += ["-fsdev", f"local,id=host,path={directory}/host,security_model=none,multidevs=remap"]
        command += ["-device", "virtio-9p-pci,fsdev=host,mount_tag=host"]
        return command


class Agent:
    """Requests to the agent in the guest; several threads may ask at once."""

    def __init__(self, connection: socket.socket):
        self.ready = threading.Event()
        self._connection = connection
        self._lock = threading.Condition()
        self._last_id = 0
        self._answers: dict[int, dict] = {}
        threading.Thread(target=self._listen, daemon=True).start()

    def ask(self, request: dict, seconds: float = 120) -> dict:
        """Sends a request and waits for its answer."""
        with self._lock:
            self._last_id += 1
            number = self._last_id
            self._connection.sendall(json.dumps({"id": number, **request}).encode() + b"\n")
            if not self._lock.wait_for(lambda: number in self._answers, seconds):
                raise MachineError(f"the guest did not answer in {seconds} s: {request}")
            return self._answers.pop(number)

    def _listen(self) -> None:
        # Reads until QEMU ends. After a reboot the first line may be the rest of one.
        with self._connection.makefile("rb") as lines:
            for line in lines:
                try:
                    message = json.loads(line)
                except ValueError:
                    continue
                if "ready" in message:
                    self.ready.set()
                else:
                    with self._lock:
                        self._answers[message["id"]] = message
                        self._lock.notify_all()


def _die_with_parent() -> None:
    """Runs in the child before QEMU: when the tests are killed, so is the guest."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
