#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <grp.h>
#include <linux/hidraw.h>
#include <linux/input.h>
#include <linux/lp.h>
#include <linux/sockios.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>

static int result(int value) { return value < 0 ? -errno : value; }

int linux_evdev_grab(int fd, int grab) { return result(ioctl(fd, EVIOCGRAB, (void *)(intptr_t)grab)); }

int linux_evdev_use_monotonic_clock(int fd) {
    int clock = CLOCK_MONOTONIC;
    return result(ioctl(fd, EVIOCSCLOCKID, &clock));
}

int linux_evdev_keys(int fd, uint8_t *bits, size_t count) { return result(ioctl(fd, EVIOCGKEY(count), bits)); }

int linux_evdev_leds(int fd, uint8_t *bits, size_t count) { return result(ioctl(fd, EVIOCGLED(count), bits)); }

int linux_evdev_name(int fd, char *name, size_t count) {
    if (count == 0) return -EINVAL;
    int length = result(ioctl(fd, EVIOCGNAME(count), name));
    name[count - 1] = 0;
    return length;
}

int linux_evdev_codes(int fd, int type, uint8_t *bits, size_t count) {
    return result(ioctl(fd, EVIOCGBIT(type, count), bits));
}

int linux_hidraw_descriptor(int fd, uint8_t *bytes, size_t count) {
    int length = 0;
    if (ioctl(fd, HIDIOCGRDESCSIZE, &length) < 0) return -errno;
    if (length < 0 || (size_t)length > count) return -ERANGE;
    struct hidraw_report_descriptor descriptor = {.size = (uint32_t)length};
    if (ioctl(fd, HIDIOCGRDESC, &descriptor) < 0) return -errno;
    memcpy(bytes, descriptor.value, (size_t)length);
    return length;
}

int linux_hidraw_name(int fd, char *name, size_t count) {
    if (count == 0) return -EINVAL;
    int length = result(ioctl(fd, HIDIOCGRAWNAME(count), name));
    name[count - 1] = 0;
    return length;
}

static speed_t speed(int baud) {
    switch (baud) {
    case 1200: return B1200;
    case 2400: return B2400;
    case 4800: return B4800;
    case 9600: return B9600;
    case 19200: return B19200;
    case 38400: return B38400;
    case 57600: return B57600;
    case 115200: return B115200;
    default: return B0;
    }
}

int linux_serial_setup(int fd, int baud) {
    struct termios line;
    if (tcgetattr(fd, &line) != 0) return -errno;
    if (speed(baud) == B0) return -EINVAL;
    cfmakeraw(&line);
    line.c_cflag &= ~(tcflag_t)(CSTOPB | CRTSCTS | HUPCL);
    line.c_cflag |= CREAD | CLOCAL;
    line.c_cc[VMIN] = 1;
    line.c_cc[VTIME] = 0;
    cfsetspeed(&line, speed(baud));
    if (tcsetattr(fd, TCSANOW, &line) != 0) return -errno;
    return result(ioctl(fd, TIOCEXCL));
}

int linux_printer_status(int fd) {
    int status = 0;
    return result(ioctl(fd, LPGETSTATUS, &status)) < 0 ? -errno : status & 0xFF;
}

int linux_unacknowledged(int fd) {
    int count = 0;
    return result(ioctl(fd, SIOCOUTQ, &count)) < 0 ? -errno : count;
}

int linux_peer_credentials(int fd, struct linux_peer *peer) {
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return -errno;
    *peer = (struct linux_peer){credentials.pid, credentials.uid, credentials.gid};
    return 0;
}

// The lookups below have no bound on their size that can be asked for: grow the buffer until the answer fits.
enum { first_buffer = 1024, last_buffer = 1 << 20 };

static int find_user(uid_t uid, struct passwd *user, char **buffer) {
    *buffer = NULL;
    for (size_t size = first_buffer; size <= last_buffer; size *= 2) {
        char *larger = realloc(*buffer, size);
        if (!larger) return -ENOMEM;
        *buffer = larger;
        struct passwd *found;
        int error = getpwuid_r(uid, user, *buffer, size, &found);
        if (error == 0) return found ? 0 : -ENOENT;
        if (error != ERANGE && error != EINTR) return error == ESRCH || error == ENOENT ? -ENOENT : -error;
    }
    return -ERANGE;
}

static int find_group(const char *name, gid_t *gid) {
    char *buffer = NULL;
    int answer = -ERANGE;
    for (size_t size = first_buffer; answer == -ERANGE && size <= last_buffer; size *= 2) {
        char *larger = realloc(buffer, size);
        if (!larger) {
            answer = -ENOMEM;
            break;
        }
        buffer = larger;
        struct group group, *found;
        int error = getgrnam_r(name, &group, buffer, size, &found);
        if (error == 0 && found) *gid = group.gr_gid;
        if (error == 0) answer = found ? 0 : -ENOENT;
        else if (error != ERANGE && error != EINTR) answer = error == ESRCH || error == ENOENT ? -ENOENT : -error;
    }
    free(buffer);
    return answer;
}

int linux_login_name(uid_t uid, char *name, size_t count) {
    struct passwd user;
    char *buffer;
    int answer = find_user(uid, &user, &buffer);
    if (answer == 0) {
        size_t length = strlen(user.pw_name);
        if (length < count) memcpy(name, user.pw_name, length + 1);
        else answer = -ERANGE;
    }
    free(buffer);
    return answer;
}

int linux_is_member(uid_t uid, const char *group) {
    gid_t wanted;
    int answer = find_group(group, &wanted);
    if (answer != 0) return answer == -ENOENT ? 0 : answer;
    struct passwd user;
    char *buffer;
    answer = find_user(uid, &user, &buffer);
    if (answer == 0) {
        int count = 32;
        gid_t *groups = malloc((size_t)count * sizeof *groups);
        while (groups && getgrouplist(user.pw_name, user.pw_gid, groups, &count) < 0) {
            // `count` is now what was needed; it may have grown meanwhile.
            gid_t *larger = realloc(groups, (size_t)count * sizeof *groups);
            if (!larger) free(groups);
            groups = larger;
        }
        if (!groups) answer = -ENOMEM;
        for (int i = 0; groups && i < count; i++) answer |= groups[i] == wanted;
        free(groups);
    }
    free(buffer);
    return answer == -ENOENT ? 0 : answer;
}
