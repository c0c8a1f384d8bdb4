public import Barcodes
internal import CLinux
internal import Glibc
internal import Synchronization
public import Tracking

/// A scanner of a station, as it is bound: whichever device is plugged in at this address.
///
/// A named pipe may stand in for a node: what is written to it is read as `struct input_event`, so that recordings can be
/// played. It can't be grabbed, and its end is an unplugged device.
public struct BoundScanner: Hashable, Sendable {
    /// Which device.
    public var address: DeviceAddress
    /// The keyboard layout that the scanner imitates.
    public var layout: KeyboardLayout
    /// Speed of a serial port; a port that is none but in name (`ttyACM`) has any.
    public var baud: Int

    /// A scanner by its fields.
    public init(_ address: DeviceAddress, layout: KeyboardLayout = .us, baud: Int = 9_600) {
        (self.address, self.layout, self.baud) = (address, layout, baud)
    }
}

/// What happens at the scanners.
public enum ScannerEvent: Hashable, Sendable {
    /// All nodes of the scanner are open, and its keys go nowhere else; `name` is the device's own.
    case connected(BoundScanner, name: String)
    /// A scan, whole or broken.
    case frame(Frame, BoundScanner)
    /// The scanner is not there, cannot be read, or went away. It is tried again by itself; the next event comes when the
    /// reason changes or the scanner is back.
    case disconnected(BoundScanner, reason: String)
    /// What udev says is plugged in, of scanners, keyboards and printers: at the start, and when it changes.
    case present([Device])
    /// A device that no station owns has read one of the codes that were listened for.
    case heard(code: String, Device, layout: KeyboardLayout?)
}

/// Owns all scanners of the daemon: one thread that waits for them and for udev (epoll), grabs each that is bound, and
/// turns its keys into frames. Devices that no station owns are not opened, except while a code is listened for.
///
/// A node that can't be opened is tried after 0.1 s, then less often up to every 5 s, and at once when udev or its directory
/// tells of a change.
public final class ScannerLoop: Sendable {
    private let mailbox: Mailbox
    private let thread: Mutex<pthread_t?>

    /// What the other threads ask for; `wake` tells the loop that something is there.
    final class Mailbox: Sendable {
        struct Requests {
            var scanners: [BoundScanner]?
            var codes: Set<String>?
            var signals: [(DeviceAddress, Signal)] = []
            var stops = false
        }

        let wake: Descriptor
        let requests = Mutex(Requests())

        init(wake: Descriptor) { self.wake = wake }

        func post(_ change: (inout Requests) -> Void) {
            requests.withLock { change(&$0) }
            eventfd_write(wake.fd, 1)
        }
    }

    /// Starts the thread, with no scanners yet. The first event is of what is present.
    /// - Parameter onEvent: called on the loop's thread, in order. While it runs nothing is read: it passes the event on and
    ///   returns.
    /// - Throws: `Failure` if the process has no file descriptor or thread left.
    public init(onEvent: @escaping @Sendable (ScannerEvent) -> Void) throws(Failure) {
        mailbox = Mailbox(wake: Descriptor(eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))))
        let epoll = Descriptor(epoll_create1(Int32(EPOLL_CLOEXEC)))
        guard mailbox.wake.fd >= 0, epoll.fd >= 0 else { throw Failure(errno) }
        let mailbox = mailbox
        thread = Mutex(
            try Self.start {
                var reader = ScannerReader(epoll: epoll, mailbox: mailbox, onEvent: onEvent)
                reader.run()
            })
    }

    deinit { stop() }

    /// Replaces the set of scanners. Those that stay are not touched; those that go are released.
    public func bind(_ scanners: [BoundScanner]) { mailbox.post { $0.scanners = scanners } }

    /// Listens to the keyboards that no station owns, and to serial ports whose make is known, until one of these codes is
    /// read; whatever else they type is forgotten at once, and still reaches whom it is meant for. No codes: listens no
    /// more.
    public func listen(for codes: Set<String>) { mailbox.post { $0.codes = codes } }

    /// Shows an operator with the scanner's own light and beeper what came of a scan; without them, nothing happens.
    public func signal(_ signal: Signal, at device: DeviceAddress) {
        mailbox.post { $0.signals.append((device, signal)) }
    }

    /// Ends the thread, and returns when all nodes are closed. After it no event comes.
    public func stop() {
        let thread = thread.withLock { $0.take() }
        guard let thread else { return }
        mailbox.post { $0.stops = true }
        if pthread_equal(thread, pthread_self()) != 0 {
            pthread_detach(thread)  // called from `onEvent`
        } else {
            pthread_join(thread, nil)
        }
    }

    /// The process has no file descriptor or thread left.
    public struct Failure: Error, Equatable, CustomStringConvertible {
        /// `cannot watch scanners: ...`
        public let description: String

        init(_ code: Int32) { description = "cannot watch scanners: \(String(cString: strerror(code)))" }
    }

    /// What the new thread runs, on its way there.
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private static func start(_ run: @escaping @Sendable () -> Void) throws(Failure) -> pthread_t {
        // Signals are for the other threads: here they would only interrupt reads.
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let body = Unmanaged.passRetained(Body(run))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, body.toOpaque())
        guard code == 0 else {
            body.release()
            throw Failure(code)
        }
        return thread
    }
}
