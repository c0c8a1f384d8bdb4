internal import CLinux
internal import Glibc

/// Why a label didn't reach its printer.
public struct PrinterError: Error, Equatable, CustomStringConvertible {
    /// What kind of cause it is.
    public enum Reason: String, Sendable {
        /// The printer doesn't answer: switched off, unplugged, unreachable, or busy for too long.
        case offline
        /// The disk under a file printer is full, read-only or failing.
        case storage
        /// The daemon may not write there.
        case notPermitted
        /// The address can't work as it is: a link, or a directory in place of a file.
        case unusable
    }

    /// What kind of cause it is.
    public let reason: Reason
    /// `cannot print on ...: ...`
    public let description: String

    /// Whether the same label may be sent again later without anybody changing the configuration.
    public var isRetryable: Bool { reason == .offline || reason == .storage }
}

/// Sends finished labels to one printer. Each call blocks, so a caller gives each printer a thread of its own.
public struct Printer: Sendable {
    /// Where labels go.
    public let address: PrinterAddress
    /// The directory under which file printers write.
    public let stateDirectory: String

    /// How long a network printer may take to accept a connection, and then each part of a label, in milliseconds.
    static let connectTimeout: Int32 = 3_000
    static let writeTimeout: Int32 = 10_000
    /// How long to wait for a network printer to close after the last byte, in milliseconds.
    static let closeTimeout: Int32 = 1_000

    /// A printer at an address; nothing is opened before a label is sent.
    public init(_ address: PrinterAddress, stateDirectory: String) {
        self.address = address
        self.stateDirectory = stateDirectory
    }

    /// Sends one label and returns when it is on disk, or with the printer. A printer that doesn't answer blocks it for
    /// 3 s for each of its addresses, one that stops taking bytes for 10 s.
    /// - Parameters:
    ///   - label: the bytes of the label.
    ///   - job: the label job's id; with the serial it names the file in a directory.
    ///   - serial: the serial on the label; characters that don't belong into a file name are escaped.
    /// - Throws: `PrinterError`. A file printer then holds nothing of the label; a network printer may hold a part of it.
    public func send(_ label: [UInt8], job: String, serial: String) throws(PrinterError) {
        do throws(Failure) {
            switch address {
            case .directory(let names):
                let name = fileName(job: job, serial: serial)
                let unfinished = ".\(Self.safe(job, limit: 40)).part"
                try FilePrinter(stateDirectory).store(label, named: name, unfinished: unfinished, in: names)
            case .file(let names):
                try FilePrinter(stateDirectory).append(label, to: names)
            case .tcp(let host, let port):
                try NetworkPrinter.send(label, host: host, port: port)
            }
        } catch {
            throw PrinterError(reason: error.reason, description: "cannot print on \(address): \(error.text)")
        }
    }

    /// A cause without the printer's name.
    struct Failure: Error {
        var reason: PrinterError.Reason
        var text: String

        init(_ reason: PrinterError.Reason, _ text: String) {
            self.reason = reason
            self.text = text
        }

        /// The cause that an errno of a file operation stands for.
        init(file name: String, errno code: Int32) {
            switch code {
            case ENOSPC, EDQUOT, EFBIG: self.init(.storage, "the disk is full (\(name))")
            case EROFS: self.init(.storage, "the disk is read-only (\(name))")
            case EACCES, EPERM: self.init(.notPermitted, "no permission to write \(name)")
            case ELOOP: self.init(.unusable, "\(name) is a link; file printers don't follow links")
            case ENOTDIR: self.init(.unusable, "\(name) is a link or a file, expected a directory")
            case EISDIR: self.init(.unusable, "\(name) is a directory; file:\(name)/ stores labels in it")
            case ENAMETOOLONG: self.init(.unusable, "the name \(name) is too long")
            default: self.init(.storage, "\(String(cString: strerror(code))) (\(name))")
            }
        }
    }

    private func fileName(job: String, serial: String) -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        func padded(_ number: Int, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let date = [Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday)]
        let time = [parts.tm_hour, parts.tm_min, parts.tm_sec]
        let day = date.map { padded($0, 2) }.joined()
        let second = time.map { padded(Int($0), 2) }.joined() + "." + padded(now.tv_nsec / 1_000_000, 3)
        return "\(day)T\(second)Z-\(Self.safe(job, limit: 40))-\(Self.safe(serial, limit: 180)).zpl"
    }

    /// Letters, digits, `.`, `_` and `-` stay; every other byte becomes `%` and its hexadecimal digits.
    static func safe(_ text: String, limit: Int) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var name: [UInt8] = []
        for byte in text.utf8 {
            let isPlain = (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || "._-".utf8.contains(byte)
            let written = isPlain ? [byte] : [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            guard name.count + written.count <= limit else { break }
            name += written
        }
        return String(decoding: name, as: UTF8.self)
    }
}
