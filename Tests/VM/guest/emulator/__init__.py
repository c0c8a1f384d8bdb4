"""Emulated scanners and printers for the Linux kernel that this runs on.

USB devices are emulated on the kernel's virtual host controller (vhci_hcd), Bluetooth ones through uhid, and bare
input devices through uinput. The kernel's own drivers and udev take them for what they imitate.
"""
