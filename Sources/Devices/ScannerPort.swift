internal import Barcodes
internal import CLinux
internal import Glibc

/// One open node: grabbed, and read without waiting.
struct ScannerPort {
    /// Why a node can't be had, or went away.
    struct Unavailable: Error {
        /// Of a node that isn't there.
        static let missing = "not plugged in"

        let reason: String

        init(_ reason: String) { self.reason = reason }
    }

    let file: Descriptor
    /// The device's own name.
    let name: String

    private var decoder: KeyDecoder
    /// Bytes of an event whose rest is still to come; a pipe may cut one, evdev never does.
    private var rest: [UInt8] = []
    /// The time of the last event by the device's clock, and when it was read by ours: recordings, and devices that
    /// keep to the wall clock, are thereby measured as any other.
    private var lastEvent: Int64 = 0
    private var lastRead: Int64 = 0

    init(_ node: ScannerNode) throws(Unavailable) {
        file = Descriptor(open(node.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC))
        guard file.fd >= 0 else {
            switch errno {
            case ENOENT, ENODEV, ENXIO, ENOTDIR: throw Unavailable(Unavailable.missing)
            case EACCES, EPERM: throw Unavailable("no permission to read \(node.path)")
            default: throw Unavailable("cannot open \(node.path): \(String(cString: strerror(errno)))")
            }
        }
        var status = stat()
        fstat(file.fd, &status)
        let isPipe = status.st_mode & S_IFMT == S_IFIFO
        switch linux_evdev_grab(file.fd, 1) {
        case 0...: break
        // A recording: there is no console to keep its keys from.
        case -ENOTTY where isPipe, -EINVAL where isPipe: break
        case -EBUSY: throw Unavailable("another program holds \(node.path) (EVIOCGRAB); stop it, or unbind the scanner")
        case -ENODEV: throw Unavailable(Unavailable.missing)
        case -ENOTTY, -EINVAL: throw Unavailable("\(node.path) is no input device")
        case let code: throw Unavailable("cannot grab \(node.path): \(String(cString: strerror(-code)))")
        }
        // Else a step of the wall clock could look like a pause.
        _ = linux_evdev_use_monotonic_clock(file.fd)
        var text = [CChar](repeating: 0, count: 256)
        let length = linux_evdev_name(file.fd, &text, text.count)
        let bytes = text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
        name = length > 0 ? String(decoding: bytes, as: UTF8.self) : node.path
        decoder = KeyDecoder(layout: node.layout)
        _ = resync()
    }

    /// The directory of a path, as far as it can be told without opening it.
    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// When the frame that is being read becomes a broken one, by the monotonic clock in microseconds.
    var deadline: Int64? { decoder.deadline.map { lastRead + max(0, $0 - lastEvent) } }

    /// Reads what is there.
    /// - Throws: `Unavailable` when the device is gone.
    mutating func read() throws(Unavailable) -> [Frame] {
        var buffer = [UInt8](repeating: 0, count: 256 * InputEvent.size)
        let count = Glibc.read(file.fd, &buffer, buffer.count)
        guard count > 0 else {
            if count == 0 { throw Unavailable("unplugged") }
            if errno == EAGAIN || errno == EINTR { return [] }
            throw Unavailable(errno == ENODEV ? "unplugged" : "cannot read: \(String(cString: strerror(errno)))")
        }
        let bytes = rest + buffer.prefix(count)
        rest = Array(bytes.suffix(bytes.count % InputEvent.size))
        let events = InputEvent.decode(bytes)
        lastRead = monotonicNow()
        lastEvent = events.last?.time ?? lastEvent
        var frames: [Frame] = []
        for event in events {
            if let frame = decoder.feed(event) { frames.append(frame) }
            let isReport = event.type == 0 && event.code == 0  // EV_SYN, SYN_REPORT
            if decoder.needsResync && isReport {
                if let frame = resync() { frames.append(frame) }
                // What is left of this reading is older than the state just asked for, and would be applied twice.
                break
            }
        }
        return frames
    }

    /// Takes the time; gives the frame that stood still for too long.
    mutating func elapsed(to now: Int64) -> Frame? { decoder.elapsed(to: lastEvent + now - lastRead) }

    /// Takes the loss of the device; gives what was being read.
    mutating func disconnected() -> Frame? { decoder.disconnected() }

    /// Asks which keys are down and whether Caps Lock is on. Where the device can't say, none and off.
    private mutating func resync() -> Frame? {
        var keys = [UInt8](repeating: 0, count: 96)
        var leds = [UInt8](repeating: 0, count: 8)
        if linux_evdev_keys(file.fd, &keys, keys.count) < 0 { keys = [] }
        if linux_evdev_leds(file.fd, &leds, leds.count) < 0 { leds = [0] }
        let pressed = (0..<keys.count * 8).filter { keys[$0 / 8] & 1 << UInt8($0 % 8) != 0 }
        let capsLock: UInt8 = 1 << 1  // LED_CAPSL
        return decoder.resync(pressed: pressed.map(UInt16.init), capsLock: leds[0] & capsLock != 0)
    }
}
