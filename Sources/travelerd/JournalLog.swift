import Glibc
import Logging

/// Sends log entries to the systemd journal with their priority and fields, in the journal's native protocol.
struct JournalLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info
    private let label: String
    private let descriptor: Int32
    private static let path = "/run/systemd/journal/socket"

    /// Nil where standard error does not go to the journal.
    init?(label: String) {
        guard environment("JOURNAL_STREAM") != nil else { return nil }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        (self.label, self.descriptor) = (label, descriptor)
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields = [
            ("MESSAGE", "\(event.message)"), ("PRIORITY", event.level.priority), ("SYSLOG_IDENTIFIER", label),
        ]
        for (key, value) in metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }) {
            fields.append(
                ("TRAVELER_" + key.uppercased().filter { $0.isASCII && ($0.isLetter || $0.isNumber) }, "\(value)"))
        }
        var bytes: [UInt8] = []
        for (key, value) in fields {
            // The form with a length, so that a value may hold line ends.
            bytes += Array(key.utf8) + [0x0A]
            withUnsafeBytes(of: UInt64(value.utf8.count).littleEndian) { bytes += Array($0) }
            bytes += Array(value.utf8) + [0x0A]
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Self.path.utf8) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let sent = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
        if sent < 0 { ConsoleLog(metadata: metadata).log(event: event) }
    }
}

/// Writes log entries to standard error: the line, then its fields.
struct ConsoleLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 })
        let shown = fields.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        writeError("travelerd: \(event.level >= .warning ? "\(event.level): " : "")\(event.message)\(shown)\n")
    }
}

/// Writes to standard error, whole or not at all as far as the kernel does.
func writeError(_ text: String) {
    _ = write(2, text, text.utf8.count)
}

extension Logger.Level {
    /// The level as a syslog priority.
    fileprivate var priority: String {
        switch self {
        case .trace, .debug: "7"
        case .info: "6"
        case .notice: "5"
        case .warning: "4"
        case .error: "3"
        case .critical: "2"
        }
    }
}
