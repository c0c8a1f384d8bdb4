internal import CLinux
internal import Glibc
public import Labels

/// Why a label didn't reach its printer.
public struct PrinterError: Error, Equatable, CustomStringConvertible {
    /// What kind of cause it is.
    public let reason: PrinterCondition
    /// `cannot print on ...: ...`
    public let description: String
    /// Whether a part of the label left, so that it may come out all the same.
    public let mayBePrinted: Bool

    /// Whether the same label may be sent again later without anybody changing the configuration.
    public var isRetryable: Bool { reason.isPassing }
}

/// Sends finished labels to one printer. Each call blocks, so a caller gives each printer a thread of its own.
public struct Printer: Sendable {
    /// What a printer's sender tells on its way, and asks. All are called on the thread that sends.
    public struct Progress: Sendable {
        /// The first byte is about to leave. False keeps it: nothing is sent.
        public var begins: @Sendable () -> Bool
        /// What holds the label up that is on its way, when that changes; nil when it goes on.
        public var isHeldUp: @Sendable (PrinterCondition?) -> Void
        /// Whether a label that is held up is to be given up.
        public var isStopped: @Sendable () -> Bool

        /// By default nobody listens.
        public init(
            begins: @escaping @Sendable () -> Bool = { true },
            isHeldUp: @escaping @Sendable (PrinterCondition?) -> Void = { _ in },
            isStopped: @escaping @Sendable () -> Bool = { false }
        ) {
            (self.begins, self.isHeldUp, self.isStopped) = (begins, isHeldUp, isStopped)
        }
    }

    /// Where labels go.
    public let address: PrinterAddress
    /// The directory under which file printers write.
    public let stateDirectory: String
    private let usb: UsbPrinters

    /// How long a network printer may take to accept a connection, and then each part of a label, in milliseconds.
    static let connectTimeout: Int32 = 3_000
    static let writeTimeout: Int32 = 10_000
    /// How long to wait for a network printer to close after the last byte, in milliseconds.
    static let closeTimeout: Int32 = 1_000

    /// A printer at an address; nothing is opened before a label is sent.
    public init(_ address: PrinterAddress, stateDirectory: String, usb: UsbPrinters) {
        (self.address, self.stateDirectory, self.usb) = (address, stateDirectory, usb)
    }

    /// Sends one label and returns when it is on disk, with the printer, or printed where the printer can tell.
    ///
    /// A network printer that doesn't answer blocks it for 3 s for each of its addresses, one that stops taking bytes for
    /// 10 s. A USB printer that is not ready refuses at once; one that needs a hand within a label (paper out, head open)
    /// is waited for until it goes on, is unplugged, or `progress` says stop.
    /// - Parameters:
    ///   - label: the bytes of the label.
    ///   - job: the label job's id; with the serial it names the file in a directory.
    ///   - serial: the serial on the label; characters that don't belong into a file name are escaped.
    /// - Throws: `PrinterError`. A file printer then holds nothing of the label; others may hold a part of it.
    public func send(
        _ label: [UInt8], job: String, serial: String, progress: Progress = Progress()
    ) throws(PrinterError) {
        do throws(Failure) {
            switch address {
            case .directory(let names):
                try begin(progress)
                let name = fileName(job: job, serial: serial)
                let unfinished = ".\(Self.safe(job, limit: 40)).part"
                try FilePrinter(stateDirectory).store(label, named: name, unfinished: unfinished, in: names)
            case .file(let names):
                try begin(progress)
                try FilePrinter(stateDirectory).append(label, to: names)
            case .tcp(let host, let port):
                let connection = try NetworkPrinter.connect(host: host, port: port)
                try begin(progress)
                try NetworkPrinter.send(label, on: connection)
            case .usb(let device):
                let port = try usb.open(device)
                let before = try usb.readiness(of: port)
                try begin(progress)
                try port.send(label, before, progress)
            }
        } catch {
            throw PrinterError(error, at: address)
        }
    }

    /// Asks a USB printer how it is, without printing anything: within about a second, unless it hangs.
    /// - Returns: nil for a printer that cannot be asked.
    /// - Throws: `PrinterError` for one that is not ready, as `send` does.
    public func check() throws(PrinterError) -> PrinterCondition? {
        guard case .usb(let device) = address else { return nil }
        do throws(Failure) {
            _ = try usb.readiness(of: usb.open(device))
            return .ready
        } catch {
            throw PrinterError(error, at: address)
        }
    }

    private func begin(_ progress: Progress) throws(Failure) {
        guard progress.begins() else {
            throw Failure(.storage, "it could not be recorded that the label is on its way")
        }
    }

    /// A cause without the printer's name.
    struct Failure: Error {
        var reason: PrinterCondition
        var text: String
        var mayBePrinted = false

        init(_ reason: PrinterCondition, _ text: String, mayBePrinted: Bool = false) {
            (self.reason, self.text, self.mayBePrinted) = (reason, text, mayBePrinted)
        }

        /// The printer says so itself.
        init(_ reason: PrinterCondition) { self.init(reason, reason.sentence) }

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

extension PrinterError {
    init(_ failure: Printer.Failure, at address: PrinterAddress) {
        self.init(
            reason: failure.reason, description: "cannot print on \(address): \(failure.text)",
            mayBePrinted: failure.mayBePrinted)
    }
}
