internal import Barcodes
internal import CLinux
internal import Glibc

/// What an operator is told by a scanner itself: with its light, its beeper, or both.
public enum Signal: Sendable {
    /// It counted: once, short and high.
    case accepted
    /// It was known already, or changed nothing: twice.
    case ignored
    /// It did not count: long and low, and again.
    case refused

    /// How long, in microseconds, light and beeper are on, off, on, ...
    var phases: [Int64] {
        switch self {
        case .accepted: [100_000]
        case .ignored: [80_000, 80_000, 80_000]
        case .refused: [500_000, 120_000, 500_000]
        }
    }

    /// Pitch of the beeper in Hertz.
    var tone: Int32 {
        switch self {
        case .accepted: 2_400
        case .ignored: 1_200
        case .refused: 300
        }
    }
}

/// The light and the beeper of an input device (EV_LED and EV_SND of the kernel's event interface).
struct SignalOutput {
    private let file: Descriptor
    private let light: UInt16?
    private let beeper: UInt16?

    private enum EventType {
        static let syn: UInt16 = 0x00
        static let led: UInt16 = 0x11
        static let snd: UInt16 = 0x12
    }

    /// Lights that mean nothing to the keys, the likeliest first: MISC, SCROLLL, COMPOSE. Caps Lock and Num Lock would
    /// change what a scanner types.
    private static let lights: [UInt16] = [0x08, 0x02, 0x03]
    /// SND_TONE, which has a pitch, before SND_BELL.
    private static let beepers: [UInt16] = [0x02, 0x01]

    /// Nil where the device has neither.
    init?(_ file: Descriptor) {
        self.file = file
        light = Self.first(of: Self.lights, EventType.led, file)
        beeper = Self.first(of: Self.beepers, EventType.snd, file)
        if light == nil, beeper == nil { return nil }
    }

    private static func first(of codes: [UInt16], _ type: UInt16, _ file: Descriptor) -> UInt16? {
        var bits = [UInt8](repeating: 0, count: 8)
        guard linux_evdev_codes(file.fd, Int32(type), &bits, bits.count) > 0 else { return nil }
        return codes.first { bits[Int($0) / 8] & 1 << UInt8($0 % 8) != 0 }
    }

    /// Turns light and beeper on or off. What the device does not take is no loss: the answer stands in the ledger.
    func set(_ isOn: Bool, tone: Int32) {
        var events: [InputEvent] = []
        if let light { events.append(InputEvent(time: 0, type: EventType.led, code: light, value: isOn ? 1 : 0)) }
        if let beeper {
            events.append(InputEvent(time: 0, type: EventType.snd, code: beeper, value: isOn ? tone : 0))
        }
        events.append(InputEvent(time: 0, type: EventType.syn, code: 0, value: 0))
        let bytes = events.flatMap(\.bytes)
        _ = Glibc.write(file.fd, bytes, bytes.count)
    }
}
