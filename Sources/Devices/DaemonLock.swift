internal import CLinux
internal import Glibc

/// A state directory belongs to one daemon at a time. The lock is held until this value is gone or the process ends,
/// however it ends.
public final class DaemonLock: Sendable {
    /// Why the directory cannot be had.
    public struct Failure: Error, Equatable, CustomStringConvertible {
        /// `cannot start: ...`
        public let description: String
        /// Whether another daemon holds the directory.
        public let isHeld: Bool
    }

    private let file: Descriptor

    /// Takes the lock file `travelerd.lock` in a directory, and writes the process id into it.
    public init(directory: String) throws(Failure) {
        let path = "\(directory)/travelerd.lock"
        let file = Descriptor(open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o640))
        guard file.fd >= 0 else {
            let reason = errno == ELOOP ? "it is a link" : String(cString: strerror(errno))
            throw Failure(description: "cannot start: cannot open \(path): \(reason)", isHeld: false)
        }
        guard flock(file.fd, LOCK_EX | LOCK_NB) == 0 else {
            guard errno == EWOULDBLOCK else {
                let reason = String(cString: strerror(errno))
                throw Failure(description: "cannot start: cannot lock \(path): \(reason)", isHeld: false)
            }
            var text = [UInt8](repeating: 0, count: 16)
            let count = max(0, pread(file.fd, &text, text.count, 0))
            let pid = Int(String(decoding: text.prefix(count).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
            let holder = pid.map { " (pid \($0))" } ?? ""
            let description = "cannot start: another travelerd\(holder) already uses \(directory)"
            throw Failure(description: description, isHeld: true)
        }
        // An admin who works on a stopped daemon's directory must not leave files that the daemon can't open.
        var owner = stat()
        if geteuid() == 0, stat(directory, &owner) == 0 { fchown(file.fd, owner.st_uid, owner.st_gid) }
        self.file = file
        // For the message above only: the lock itself is the kernel's, and holds without it.
        let text = Array("\(getpid())\n".utf8)
        ftruncate(file.fd, 0)
        pwrite(file.fd, text, text.count, 0)
    }
}
