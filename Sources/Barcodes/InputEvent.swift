/// One `struct input_event` of Linux on a 64-bit machine: 24 bytes in host byte order.
///
/// | bytes | field |
/// | --- | --- |
/// | 0 ..< 8 | seconds, signed |
/// | 8 ..< 16 | microseconds, signed |
/// | 16 ..< 18 | type |
/// | 18 ..< 20 | code |
/// | 20 ..< 24 | value, signed |
public struct InputEvent: Hashable, Sendable {
    /// Microseconds, by the clock that the device was told to use.
    public var time: Int64
    /// `EV_SYN`, `EV_KEY`, ... as in the kernel's `input-event-codes.h`.
    public var type: UInt16
    /// Which key, LED, ...; its meaning depends on the type.
    public var code: UInt16
    /// For a key: 1 pressed, 0 released, 2 repeated.
    public var value: Int32

    /// The size of an event in bytes.
    public static let size = 24

    /// An event by its fields.
    public init(time: Int64, type: UInt16, code: UInt16, value: Int32) {
        self.time = time
        self.type = type
        self.code = code
        self.value = value
    }

    /// Decodes what `read` gave; an incomplete event at the end is left out (the kernel never gives one).
    public static func decode(_ bytes: UnsafeRawBufferPointer) -> [InputEvent] {
        (0..<bytes.count / size).map { index in
            let start = index * size
            let seconds = bytes.loadUnaligned(fromByteOffset: start, as: Int64.self)
            let microseconds = bytes.loadUnaligned(fromByteOffset: start + 8, as: Int64.self)
            return InputEvent(
                time: seconds &* 1_000_000 &+ microseconds,
                type: bytes.loadUnaligned(fromByteOffset: start + 16, as: UInt16.self),
                code: bytes.loadUnaligned(fromByteOffset: start + 18, as: UInt16.self),
                value: bytes.loadUnaligned(fromByteOffset: start + 20, as: Int32.self))
        }
    }

    /// Decodes a recording, as `decode(_:)` of a buffer does.
    public static func decode(_ bytes: [UInt8]) -> [InputEvent] { bytes.withUnsafeBytes { decode($0) } }

    /// The 24 bytes of the event.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.size)
        let seconds = time >= 0 ? time / 1_000_000 : -((999_999 - time) / 1_000_000)
        withUnsafeBytes(of: seconds) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: time - seconds * 1_000_000) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: type) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: code) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
        return bytes
    }
}

/// The event types and codes that scanners use, by their names in `input-event-codes.h`.
enum EventType {
    static let syn: UInt16 = 0
    static let key: UInt16 = 1
    static let misc: UInt16 = 4
    static let led: UInt16 = 17

    static let synReport: UInt16 = 0
    static let synDropped: UInt16 = 3
    static let miscScan: UInt16 = 4
    static let ledCapsLock: UInt16 = 1
}

/// Keys that do something other than give the character printed on them.
enum Key {
    static let escape: UInt16 = 1
    static let backspace: UInt16 = 14
    static let tab: UInt16 = 15
    static let enter: UInt16 = 28
    static let leftControl: UInt16 = 29
    static let leftShift: UInt16 = 42
    static let rightShift: UInt16 = 54
    static let leftAlt: UInt16 = 56
    static let space: UInt16 = 57
    static let capsLock: UInt16 = 58
    static let f8: UInt16 = 66
    static let numLock: UInt16 = 69
    static let scrollLock: UInt16 = 70
    static let keypadEnter: UInt16 = 96
    static let rightControl: UInt16 = 97
    static let rightAlt: UInt16 = 100
    static let leftMeta: UInt16 = 125
    static let rightMeta: UInt16 = 126

    /// The digits on the keypad, 0 to 9.
    static let keypadDigits: [UInt16] = [82, 79, 80, 81, 75, 76, 77, 71, 72, 73]
}
