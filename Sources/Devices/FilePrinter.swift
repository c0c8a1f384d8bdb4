internal import CLinux
internal import Glibc
internal import Labels

/// Labels as files under the state directory. Every step down the path is opened by itself and follows no link, so that
/// nothing that lies there can lead a label elsewhere.
struct FilePrinter {
    private typealias Failure = Printer.Failure

    private let stateDirectory: String

    init(_ stateDirectory: String) { self.stateDirectory = stateDirectory }

    /// Writes a label as a new file, whole or not at all.
    /// - Parameter unfinished: its name until then; what a killed daemon left under it is replaced.
    func store(
        _ label: [UInt8], named name: String, unfinished: String, in directory: [String]
    ) throws(Printer.Failure) {
        let parent = try open(directory)
        unlinkat(parent.fd, unfinished, 0)
        let file = Descriptor(
            openat(parent.fd, unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o640))
        guard file.fd >= 0 else { throw Failure(file: directory.joined(separator: "/"), errno: errno) }
        do throws(Printer.Failure) {
            try file.write(label, name: name)
            guard renameat(parent.fd, unfinished, parent.fd, name) == 0 else { throw Failure(file: name, errno: errno) }
        } catch {
            unlinkat(parent.fd, unfinished, 0)
            throw error
        }
        guard fsync(parent.fd) == 0 else { throw Failure(file: name, errno: errno) }
    }

    /// Appends a label to a file, whole or not at all.
    func append(_ label: [UInt8], to path: [String]) throws(Printer.Failure) {
        let name = path.joined(separator: "/")
        let parent = try open(path.dropLast())
        // O_NONBLOCK: a pipe that lies there must not hold the thread; it is refused below.
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        let file = Descriptor(openat(parent.fd, path.last ?? "", flags, 0o640))
        guard file.fd >= 0 else {
            if errno == ENXIO { throw Failure(.unusable, "\(name) is no file") }
            throw Failure(file: name, errno: errno)
        }
        var status = stat()
        guard fstat(file.fd, &status) == 0 else { throw Failure(file: name, errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Failure(.unusable, "\(name) is no file") }
        do throws(Printer.Failure) {
            try file.write(label, name: name)
        } catch {
            ftruncate(file.fd, status.st_size)
            throw error
        }
    }

    /// Opens a directory below the state directory, and makes what is missing of it.
    private func open(_ names: some Sequence<String>) throws(Printer.Failure) -> Descriptor {
        var directory = Descriptor(Glibc.open(stateDirectory, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        guard directory.fd >= 0 else { throw Failure(file: stateDirectory, errno: errno) }
        for name in names {
            if mkdirat(directory.fd, name, 0o750) != 0 && errno != EEXIST { throw Failure(file: name, errno: errno) }
            let next = Descriptor(openat(directory.fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC))
            guard next.fd >= 0 else { throw Failure(file: name, errno: errno) }
            directory = next
        }
        return directory
    }
}

/// A file descriptor that is closed with its last use.
final class Descriptor: Sendable {
    let fd: Int32

    init(_ fd: Int32) { self.fd = fd }

    deinit { if fd >= 0 { close(fd) } }

    /// Writes all of it, and waits until it is on disk.
    func write(_ bytes: [UInt8], name: String) throws(Printer.Failure) {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(fd, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw Printer.Failure(file: name, errno: errno) }
            written += count
        }
        guard fsync(fd) == 0 else { throw Printer.Failure(file: name, errno: errno) }
    }
}
