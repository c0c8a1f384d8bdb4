public import Barcodes
internal import CLinux
internal import Glibc
internal import Synchronization

/// A scanner that imitates a keyboard: an evdev node, and the layout that the scanner is set to.
///
/// A named pipe may stand in for a node: what is written to it is read as `struct input_event`, so that recordings can be
/// played. It can't be grabbed, and its end is an unplugged device.
public struct ScannerNode: Hashable, Sendable {
    /// Such as `/dev/input/event3`, or a link to it.
    public var path: String
    /// The keyboard layout that the scanner imitates.
    public var layout: KeyboardLayout

    /// A node by its fields.
    public init(path: String, layout: KeyboardLayout = .us) {
        self.path = path
        self.layout = layout
    }
}

/// What happens at a scanner.
public enum ScannerEvent: Hashable, Sendable {
    /// The node is open and grabbed; `name` is the device's own.
    case connected(ScannerNode, name: String)
    /// A scan, whole or broken.
    case frame(Frame, ScannerNode)
    /// The node is not there, cannot be read, or went away. It is tried again by itself; the next event comes when the
    /// reason changes or the scanner is back.
    case disconnected(ScannerNode, reason: String)
}

/// Owns all scanners of the daemon: one thread that waits for them all (epoll), grabs each, and turns its keys into frames.
///
/// A node that is missing is tried after 1 s, then less often up to every 5 s, and at once when something changes in its
/// directory.
public final class ScannerLoop: Sendable {
    private let mailbox: Mailbox
    private let thread: Mutex<pthread_t?>

    /// What the other threads ask for; `wake` tells the loop that something is there.
    final class Mailbox: Sendable {
        struct Requests {
            var nodes: [ScannerNode]?
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

    /// Starts the thread, with no nodes yet.
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

    /// Replaces the set of nodes. Those that stay are not touched; those that go are released.
    public func bind(_ nodes: [ScannerNode]) { mailbox.post { $0.nodes = nodes } }

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
