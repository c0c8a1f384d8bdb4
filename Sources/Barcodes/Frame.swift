/// What a scanner sent between two ends: one scan, whole or broken.
public struct Frame: Hashable, Sendable {
    /// Whether the text is all that was sent.
    public enum Outcome: Hashable, Sendable {
        /// It is.
        case complete
        /// It isn't: to be recorded and refused, never used.
        case broken(Broken)
    }

    /// What broke a frame.
    public enum Broken: String, CaseIterable, Hashable, Sendable {
        /// 100 ms without a key or a report, and no end.
        case pause
        /// The kernel dropped events or reports.
        case dropped
        /// More than 512 characters.
        case tooLong
        /// The device went away.
        case unplugged
        /// A key, or a combination of keys, that stands for no character in this layout.
        case unknownKey
    }

    /// The characters, or those that came before it broke.
    public var text: String
    /// Whether it can be used.
    public var outcome: Outcome
    /// When its first key was pressed or its first byte read, in microseconds of the device's clock.
    public var startedAt: Int64
    /// When it ended: for a pause, when its last key moved.
    public var endedAt: Int64

    /// The most characters of a frame.
    public static let maximumLength = 512

    /// The text of bytes that a scanner sent: UTF-8, or else Latin-1, as hardly any Latin-1 text with umlauts is valid UTF-8.
    static func text(of bytes: some Collection<UInt8>) -> String {
        String(validating: bytes, as: UTF8.self)
            ?? String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }

    /// A frame by its fields.
    public init(text: String, outcome: Outcome, startedAt: Int64, endedAt: Int64) {
        self.text = text
        self.outcome = outcome
        self.startedAt = startedAt
        self.endedAt = endedAt
    }
}

/// Cuts the bytes of a serial scanner or a terminal into frames: each ends at CR, LF or CR LF. Here a pause ends
/// nothing, and 512 counts bytes.
public struct LineFramer: Sendable {
    private var bytes: [UInt8] = []
    private var startedAt: Int64 = 0
    private var isSwallowing = false

    /// A framer at the start of a line.
    public init() {}

    /// Takes the next byte, read at `time` (microseconds). An empty line gives nothing; a line that is too long is
    /// given once, broken, and its rest is swallowed.
    public mutating func feed(_ byte: UInt8, at time: Int64) -> Frame? {
        if byte == 0x0A || byte == 0x0D {
            defer {
                bytes.removeAll(keepingCapacity: true)
                isSwallowing = false
            }
            return bytes.isEmpty ? nil : frame(.complete, at: time)
        }
        if isSwallowing { return nil }
        if bytes.isEmpty { startedAt = time }
        guard bytes.count == Frame.maximumLength else {
            bytes.append(byte)
            return nil
        }
        defer { bytes.removeAll(keepingCapacity: true) }
        isSwallowing = true
        return frame(.broken(.tooLong), at: time)
    }

    /// Takes the loss of the line: what was begun is broken.
    public mutating func disconnected(at time: Int64) -> Frame? {
        defer { self = LineFramer() }
        return bytes.isEmpty ? nil : frame(.broken(.unplugged), at: time)
    }

    private func frame(_ outcome: Frame.Outcome, at time: Int64) -> Frame {
        Frame(text: Frame.text(of: bytes), outcome: outcome, startedAt: startedAt, endedAt: time)
    }
}
