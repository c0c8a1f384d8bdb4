internal import Barcodes
internal import CLinux
internal import Glibc

/// One open node of a scanner, read without waiting: an evdev node, a serial port, or a recording in a pipe.
struct ScannerPort {
    /// Why a node can't be had, or went away.
    struct Unavailable: Error {
        /// Of a node that isn't there.
        static let missing = "not plugged in"
        /// Of a device that was there a moment ago.
        static let unplugged = "unplugged"
        /// Of a device that is not to be taken at this moment.
        static let keyDown = "a key of it is held down"

        let reason: String

        init(_ reason: String) { self.reason = reason }
    }

    let file: Descriptor
    /// The device's own name.
    let name: String
    /// What of it can signal to an operator.
    let signals: SignalOutput?

    /// How its bytes become frames.
    private enum Framing {
        /// Keys, read by each of these layouts.
        case keys([KeyDecoder])
        case lines(LineFramer)
    }

    private var framing: Framing
    /// Bytes of an event whose rest is still to come; a pipe may cut one, evdev never does.
    private var rest: [UInt8] = []
    /// The time of the last event by the device's clock, and when it was read by ours: recordings, and devices that
    /// keep to the wall clock, are thereby measured as any other.
    private var lastEvent: Int64 = 0
    private var lastRead: Int64 = 0

    /// Opens a node.
    /// - Parameters:
    ///   - layouts: each gives frames of its own; a bound scanner has one.
    ///   - grabs: takes the device for this process alone. Without it, its keys go to everybody else as well.
    ///   - waits: does not take it while a key is down: whoever saw the press would never see the release.
    init(
        _ node: String, layouts: [KeyboardLayout], baud: Int, grabs: Bool, waits: Bool = false
    ) throws(Unavailable) {
        (file, signals) = try Self.open(node, grabs: grabs)
        var text = [CChar](repeating: 0, count: 256)
        let length = linux_evdev_name(file.fd, &text, text.count)
        let bytes = text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
        name = length > 0 ? String(decoding: bytes, as: UTF8.self) : node
        if isatty(file.fd) == 1 {
            framing = .lines(LineFramer())
            let code = linux_serial_setup(file.fd, Int32(baud))
            guard code >= 0 else {
                throw Unavailable(
                    code == -EINVAL
                        ? "a serial port knows no speed of \(baud) baud"
                        : "cannot set up \(node): \(String(cString: strerror(-code)))")
            }
            return
        }
        framing = .keys([])
        if waits, !keyState().pressed.isEmpty { throw Unavailable(Unavailable.keyDown) }
        if grabs { try grab(node) }
        // Else a step of the wall clock could look like a pause.
        let hasOurClock = linux_evdev_use_monotonic_clock(file.fd) >= 0
        let (pressed, capsLock) = keyState()
        // A code that is listened for is whole wherever it began; what a scanner reads may have begun before.
        let openedAt = grabs && hasOurClock ? monotonicNow() : nil
        let decoders = layouts.map { layout in
            var decoder = KeyDecoder(layout: layout)
            decoder.opened(pressed: pressed, capsLock: capsLock, at: openedAt)
            return decoder
        }
        framing = .keys(decoders)
    }

    private static func open(_ node: String, grabs: Bool) throws(Unavailable) -> (Descriptor, SignalOutput?) {
        let flags = O_NONBLOCK | O_CLOEXEC | O_NOCTTY
        var status = stat()
        // A pipe that is open for writing, too, would never come to its end.
        if grabs, stat(node, &status) == 0, status.st_mode & S_IFMT == S_IFCHR {
            let file = Descriptor(Glibc.open(node, O_RDWR | flags))
            if file.fd >= 0 { return (file, SignalOutput(file)) }
        }
        let file = Descriptor(Glibc.open(node, O_RDONLY | flags))
        if file.fd >= 0 { return (file, nil) }
        switch errno {
        case ENOENT, ENODEV, ENXIO, ENOTDIR, EIO: throw Unavailable(Unavailable.missing)
        case EACCES, EPERM: throw Unavailable("no permission to read \(node); are the udev rules installed?")
        case EBUSY: throw Unavailable("another program holds \(node); stop it, or unbind the scanner")
        default: throw Unavailable("cannot open \(node): \(String(cString: strerror(errno)))")
        }
    }

    private func grab(_ node: String) throws(Unavailable) {
        var status = stat()
        fstat(file.fd, &status)
        let isPipe = status.st_mode & S_IFMT == S_IFIFO
        switch linux_evdev_grab(file.fd, 1) {
        case 0...: break
        // A recording: there is no console to keep its keys from.
        case -ENOTTY where isPipe, -EINVAL where isPipe: break
        case -EBUSY: throw Unavailable("another program holds \(node) (EVIOCGRAB); stop it, or unbind the scanner")
        case -ENODEV: throw Unavailable(Unavailable.missing)
        case -ENOTTY, -EINVAL: throw Unavailable("\(node) is no input device")
        case let code: throw Unavailable("cannot grab \(node): \(String(cString: strerror(-code)))")
        }
    }

    /// The directory of a path, as far as it can be told without opening it.
    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// When the frame that is being read becomes a broken one, by the monotonic clock in microseconds.
    var deadline: Int64? {
        guard case .keys(let decoders) = framing else { return nil }
        return decoders.compactMap(\.deadline).min().map { lastRead + max(0, $0 - lastEvent) }
    }

    /// Reads what is there.
    /// - Throws: `Unavailable` when the device is gone.
    mutating func read() throws(Unavailable) -> [ScannedFrame] {
        var buffer = [UInt8](repeating: 0, count: 256 * InputEvent.size)
        let count = Glibc.read(file.fd, &buffer, buffer.count)
        guard count > 0 else {
            if count == 0 { throw Unavailable(Unavailable.unplugged) }
            if errno == EAGAIN || errno == EINTR { return [] }
            throw Unavailable(
                errno == ENODEV || errno == EIO
                    ? Unavailable.unplugged : "cannot read: \(String(cString: strerror(errno)))")
        }
        lastRead = monotonicNow()
        switch framing {
        case .keys: return keys(rest + buffer.prefix(count))
        case .lines(var framer):
            let frames = buffer.prefix(count).compactMap { framer.feed($0, at: lastRead) }
            framing = .lines(framer)
            return frames.map { ScannedFrame(frame: $0, layout: nil) }
        }
    }

    private mutating func keys(_ bytes: [UInt8]) -> [ScannedFrame] {
        rest = Array(bytes.suffix(bytes.count % InputEvent.size))
        let events = InputEvent.decode(bytes)
        lastEvent = events.last?.time ?? lastEvent
        var frames: [ScannedFrame] = []
        for event in events {
            frames += decode { $0.feed(event) }
            let isReport = event.type == 0 && event.code == 0  // EV_SYN, SYN_REPORT
            if isReport, case .keys(let decoders) = framing, decoders.contains(where: \.needsResync) {
                frames += resync()
                // What is left of this reading is older than the state just asked for, and would be applied twice.
                break
            }
        }
        return frames
    }

    /// Takes the time; gives the frame that stood still for too long.
    mutating func elapsed(to now: Int64) -> [ScannedFrame] {
        let time = lastEvent + now - lastRead
        return decode { $0.elapsed(to: time) }
    }

    /// Takes the loss of the device; gives what was being read.
    mutating func disconnected() -> [ScannedFrame] {
        if case .lines(var framer) = framing {
            let frame = framer.disconnected(at: monotonicNow())
            framing = .lines(framer)
            return [frame].compactMap(\.self).map { ScannedFrame(frame: $0, layout: nil) }
        }
        return decode { $0.disconnected() }
    }

    private mutating func resync() -> [ScannedFrame] {
        let (pressed, capsLock) = keyState()
        let time = lastEvent + monotonicNow() - lastRead
        return decode { $0.resync(pressed: pressed, capsLock: capsLock, at: time) }
    }

    /// Which keys are down and whether Caps Lock is on. Where the device can't say, none and off.
    private func keyState() -> (pressed: [UInt16], capsLock: Bool) {
        var keys = [UInt8](repeating: 0, count: 96)
        var leds = [UInt8](repeating: 0, count: 8)
        if linux_evdev_keys(file.fd, &keys, keys.count) < 0 { keys = [] }
        if linux_evdev_leds(file.fd, &leds, leds.count) < 0 { leds = [0] }
        let pressed = (0..<keys.count * 8).filter { keys[$0 / 8] & 1 << UInt8($0 % 8) != 0 }.map(UInt16.init)
        let capsLock: UInt8 = 1 << 1  // LED_CAPSL
        return (pressed, leds[0] & capsLock != 0)
    }

    private mutating func decode(_ step: (inout KeyDecoder) -> Frame?) -> [ScannedFrame] {
        guard case .keys(var decoders) = framing else { return [] }
        var frames: [ScannedFrame] = []
        for index in decoders.indices {
            guard let frame = step(&decoders[index]) else { continue }
            frames.append(ScannedFrame(frame: frame, layout: decoders[index].layout))
        }
        framing = .keys(decoders)
        return frames
    }
}

/// A frame, and the layout by which its keys were read; nil for a serial port.
struct ScannedFrame {
    var frame: Frame
    var layout: KeyboardLayout?
}
