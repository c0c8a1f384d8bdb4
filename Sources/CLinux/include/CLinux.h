// What Linux offers that Swift's Glibc module doesn't carry: ioctl macros, kernel structures, and lookups whose buffers
// must be the caller's. Every function returns a value of 0 or more, or the negative errno, and may be called on any
// thread.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/types.h>

// MARK: evdev

/// Takes a device for this process alone (EVIOCGRAB), so that its keys reach nobody else, or gives it back.
/// -EBUSY: another process holds it. -ENOTTY or -EINVAL: the file is no evdev node.
int linux_evdev_grab(int fd, int grab);

/// Makes the device stamp its events with CLOCK_MONOTONIC (EVIOCSCLOCKID) in place of the wall clock.
int linux_evdev_use_monotonic_clock(int fd);

/// Reads which keys are down now (EVIOCGKEY): bit `code % 8` of byte `code / 8`. Returns how many bytes were filled.
int linux_evdev_keys(int fd, uint8_t *bits, size_t count);

/// Reads which LEDs are lit now (EVIOCGLED), as `linux_evdev_keys`; bit 1 (LED_CAPSL) is Caps Lock.
int linux_evdev_leds(int fd, uint8_t *bits, size_t count);

/// Reads the device's own name (EVIOCGNAME), ended by a zero. Returns its length with that zero.
int linux_evdev_name(int fd, char *name, size_t count);

/// Reads which codes of an event type the device has (EVIOCGBIT), as `linux_evdev_keys`.
int linux_evdev_codes(int fd, int type, uint8_t *bits, size_t count);

// MARK: hidraw

/// Reads a HID device's report descriptor (HIDIOCGRDESC) and returns its length, which is at most 4,096.
/// -ENOTTY or -EINVAL: the file is no hidraw node. -ERANGE: the descriptor is longer than the buffer.
int linux_hidraw_descriptor(int fd, uint8_t *bytes, size_t count);

/// Reads a HID device's own name (HIDIOCGRAWNAME), as `linux_evdev_name`.
int linux_hidraw_name(int fd, char *name, size_t count);

// MARK: serial ports

/// Makes a terminal line plain: `baud` 8N1, no echo, no flow control, every byte as it comes; for this process alone
/// (TIOCEXCL). -EINVAL: no such speed. -ENOTTY: the file is no terminal line.
int linux_serial_setup(int fd, int baud);

// MARK: label printers

/// The status byte of a USB printer (LPGETSTATUS): bit 5 out of paper, bit 4 selected, bit 3 no error. -ENOTTY or -EINVAL:
/// the file is no printer. -EIO: the printer does not say, or is gone. Takes up to 5 s where a printer hangs.
int linux_printer_status(int fd);

// MARK: network printers

/// How many bytes that were sent on a TCP connection the peer has not acknowledged (SIOCOUTQ); its end counts as one.
int linux_unacknowledged(int fd);

// MARK: who is asking

struct linux_peer {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};

/// The process at the other end of a Unix socket, as the kernel recorded it at connect (SO_PEERCRED).
int linux_peer_credentials(int fd, struct linux_peer *peer);

/// The login name of a user, ended by a zero. -ENOENT: no such user. -ERANGE: the name is longer than the buffer.
int linux_login_name(uid_t uid, char *name, size_t count);

/// Whether a user is in a group of this name, by primary or supplementary membership: 1 or 0. A group or user that
/// doesn't exist is 0; other errors are a directory service's.
int linux_is_member(uid_t uid, const char *group);
