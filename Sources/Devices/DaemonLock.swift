internal import CLinux
internal import Glibc

/// A state directory belongs to one daemon at a time. The lock is held until this value is gone or the process ends,
/// however it ends.
public final class DaemonLock: Sendable {
    /// Why the directory cannot be had.
    public struct Failure: Error, Equatable, CustomStringConvertible {
        /// What happened and why.
        public let description: String
        /// Whether another daemon holds the directory.
        public let isHeld: Bool
    }

    /// Whether there was a ledger in the directory.
    public let hadLedger: Bool
    private let file: Descriptor
    private static let mark: Substring = "ledger"

    /// Takes the lock file `travelerd.lock` in a directory, and writes the process id into it.
    public init(directory: String) throws(Failure) {
        let path = "\(directory)/travelerd.lock"
        var descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o640)
        // A lock needs no writing: what stands on a read-only disk can still be read by one daemon only.
        var code = errno
        if descriptor < 0, [EROFS, EPERM, EACCES].contains(code) {
            descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
            // Where there is none, what counts is why it can't be made.
            if descriptor < 0, errno != ENOENT { code = errno }
        }
        let file = Descriptor(descriptor)
        guard file.fd >= 0 else {
            let reason = code == ELOOP ? "it is a link" : String(cString: strerror(code))
            throw Failure(description: "cannot open \(path): \(reason)", isHeld: false)
        }
        var text = [UInt8](repeating: 0, count: 64)
        let count = max(0, pread(file.fd, &text, text.count, 0))
        let lines = String(decoding: text.prefix(count), as: UTF8.self).split(separator: "\n")
        guard flock(file.fd, LOCK_EX | LOCK_NB) == 0 else {
            guard errno == EWOULDBLOCK else {
                let reason = String(cString: strerror(errno))
                throw Failure(description: "cannot lock \(path): \(reason)", isHeld: false)
            }
            let holder = lines.first.flatMap { Int($0) }.map { " (pid \($0))" } ?? ""
            let description = "cannot start: another travelerd\(holder) already uses \(directory)"
            throw Failure(description: description, isHeld: true)
        }
        // An admin who works on a stopped daemon's directory must not leave files that the daemon can't open.
        var owner = stat()
        if geteuid() == 0, stat(directory, &owner) == 0 { fchown(file.fd, owner.st_uid, owner.st_gid) }
        self.file = file
        hadLedger = lines.contains(Self.mark)
        write(withMark: hadLedger)
    }

    /// Notes that there is a ledger in the directory, for all who take the lock later.
    public func noteLedger() { write(withMark: true) }

    /// For messages and for `hadLedger` only: the lock itself is the kernel's, and holds without it.
    private func write(withMark isMarked: Bool) {
        let text = Array("\(getpid())\n\(isMarked ? "\(Self.mark)\n" : "")".utf8)
        if pwrite(file.fd, text, text.count, 0) == text.count { ftruncate(file.fd, text.count) }
    }
}
