import ControlAPI
import Glibc

extension Failure {
    /// Why the daemon's socket can't be opened.
    init(connecting code: Int32, to socket: String) {
        switch code {
        case ENOENT, ECONNREFUSED:
            self.init(
                .unreachable,
                """
                cannot reach the daemon at \(socket): \(code == ENOENT ? "there is no such socket" : "nobody answers"). \
                Is it running? 'systemctl status travelerd' tells; --socket PATH or TRAVELER_SOCKET names another socket
                """)
        case EACCES, EPERM:
            self.init(.notPermitted, "cannot open \(socket): this user may not use it; ask an administrator")
        case EAGAIN:
            self.init(.tryAgain, "the daemon at \(socket) has too much to do right now; try again")
        default: self.init(.unreachable, "cannot reach the daemon at \(socket): \(systemError(code))")
        }
    }
}

/// What the system calls an error.
func systemError(_ code: Int32) -> String { String(cString: strerror(code)) }

/// Reads a file, or the standard input for `-`. At most 64 MiB.
func readFile(_ path: String) throws(Failure) -> [UInt8] {
    let descriptor = path == "-" ? 0 : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure(.notFound, "cannot read \(path): \(systemError(errno))") }
    defer { if descriptor != 0 { close(descriptor) } }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = read(descriptor, &chunk, chunk.count)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw Failure(.notFound, "cannot read \(path): \(systemError(errno))") }
        if count == 0 { return bytes }
        bytes += chunk[..<count]
        guard bytes.count <= 64 << 20 else { throw Failure(.usage, "cannot send \(path): it is larger than 64 MiB") }
    }
}

/// A file that this process makes: new, private (0600), never through a link, and gone again unless it was finished.
struct NewFile: ~Copyable {
    let path: String
    private let descriptor: Int32
    private var isFinished = false
    private(set) var count = 0

    init(_ path: String) throws(Failure) {
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        self.path = path
        guard descriptor >= 0 else {
            let code = errno
            isFinished = true
            throw Failure(
                .usage,
                code == EEXIST
                    ? "cannot write \(path): it exists already, and is never overwritten; name a new file"
                    : "cannot write \(path): \(systemError(code))")
        }
        removeOnSignal(path)
    }

    mutating func write(_ bytes: [UInt8]) throws(Failure) {
        var start = 0
        while start < bytes.count {
            let written = bytes[start...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written >= 0 else { throw Failure(.tryAgain, "cannot write \(path): \(systemError(errno))") }
            start += written
        }
        count += bytes.count
    }

    /// Brings the file to the disk; only then does it stay.
    mutating func finish() throws(Failure) {
        guard fsync(descriptor) == 0 else { throw Failure(.tryAgain, "cannot write \(path): \(systemError(errno))") }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if directory >= 0 {
            fsync(directory)
            close(directory)
        }
        isFinished = true
    }

    deinit {
        if !isFinished { unlink(path) }
        guard descriptor >= 0 else { return }
        removeOnSignal(nil)
        close(descriptor)
    }
}

/// The file that Ctrl-C must remove. Only changed while the handlers that read it are not installed.
private nonisolated(unsafe) var unfinished: UnsafeMutablePointer<CChar>?

private func removeOnSignal(_ path: String?) {
    let signals = [SIGINT, SIGTERM, SIGHUP]
    for number in signals { signal(number, SIG_DFL) }
    free(unfinished)
    unfinished = path.flatMap { strdup($0) }
    guard path != nil else { return }
    for number in signals {
        signal(number) { number in
            if let unfinished { unlink(unfinished) }
            _exit(128 + number)
        }
    }
}
