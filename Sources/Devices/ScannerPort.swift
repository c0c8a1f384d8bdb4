internal import Barcodes
internal import CLinux
internal import Glibc

/// One open node of a scanner, read without waiting: an evdev node, a serial port, a hidraw node, or a recording in a pipe.
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
        case reports(ReportFramer)
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
        let isSerial = isatty(file.fd) == 1
        let report = isSerial ? nil : try Self.report(file, node)
        var text = [CChar](repeating: 0, count: 256)
        let length =
            report == nil
            ? linux_evdev_name(file.fd, &text, text.count) : linux_hidraw_name(file.fd, &text, text.count)
        let bytes = text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
        name = length > 0 ? String(decoding: bytes, as: UTF8.self) : node
        if let report {
            framing = .reports(ReportFramer(report))
            return
        }
        if isSerial {
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
        case EACCES, EPERM:
            throw Unavailable("no permission to read \(node); see that the udev rules are installed and know its make")
        case EBUSY: throw Unavailable("another program holds \(node); stop it, or unbind the scanner")
        default: throw Unavailable("cannot open \(node): \(String(cString: strerror(errno)))")
        }
    }

    /// The scanned data report of a hidraw node; nil for another kind of node.
    private static func report(_ file: Descriptor, _ node: String) throws(Unavailable) -> ScannedDataReport? {
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = linux_hidraw_descriptor(file.fd, &bytes, bytes.count)
        guard count >= 0 else { return nil }
        guard let report = ScannedDataReport(descriptor: bytes.prefix(Int(count))) else {
            throw Unavailable("\(node) sends no scanned data; set the scanner to HID-POS or keyboard mode")
        }
        return report
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
        switch framing {
        case .keys(let decoders):
            decoders.compactMap(\.deadline).min().map { lastRead + max(0, $0 - lastEvent) }
        case .reports(let framer): framer.deadline
        case .lines: nil
        }
    }

    /// Reads what is there.
    /// - Throws: `Unavailable` when the device is gone.
    mutating func read() throws(Unavailable) -> [ScannedFrame] {
        let bytes = try take()
        if bytes.isEmpty { return [] }
        lastRead = monotonicNow()
        switch framing {
        case .keys: return keys(rest + bytes)
        case .lines(var framer):
            let frames = bytes.compactMap { framer.feed($0, at: lastRead) }
            framing = .lines(framer)
            return frames.map { ScannedFrame(frame: $0, layout: nil) }
        case .reports(var framer):
            // Each reading is one report. The kernel keeps so many of them and drops what comes then, without a word.
            var reports = [bytes]
            while let next = try? take(), !next.isEmpty { reports.append(next) }
            var frames = reports.flatMap { framer.feed($0, at: lastRead) }
            if reports.count >= Self.keptReports, let broken = framer.dropped(at: lastRead) { frames.append(broken) }
            framing = .reports(framer)
            return frames.map { ScannedFrame(frame: $0, layout: nil) }
        }
    }

    /// How many reports a hidraw node keeps for one reader (HIDRAW_BUFFER_SIZE of the kernel), of which one is always free.
    private static let keptReports = 63

    /// Reads what is there, and gives nothing where that is nothing.
    private func take() throws(Unavailable) -> ArraySlice<UInt8> {
        var buffer = [UInt8](repeating: 0, count: 256 * InputEvent.size)
        let count = Glibc.read(file.fd, &buffer, buffer.count)
        if count > 0 { return buffer.prefix(count) }
        if count == 0 { throw Unavailable(Unavailable.unplugged) }
        if errno == EAGAIN || errno == EINTR { return [] }
        throw Unavailable(
            errno == ENODEV || errno == EIO
                ? Unavailable.unplugged : "cannot read: \(String(cString: strerror(errno)))")
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
        if case .reports(var framer) = framing {
            let frame = framer.elapsed(to: now)
            framing = .reports(framer)
            return [frame].compactMap(\.self).map { ScannedFrame(frame: $0, layout: nil) }
        }
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
        if case .reports(var framer) = framing {
            let frame = framer.disconnected()
            framing = .reports(framer)
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

/// A frame, and the layout by which its keys were read; nil for a serial port and for reports.
struct ScannedFrame {
    var frame: Frame
    var layout: KeyboardLayout?
}
