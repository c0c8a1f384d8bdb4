import Barcodes
import Devices
import Glibc
import Testing
import Tracking

/// Recorded streams of `struct input_event`, played through named pipes into the loop that reads scanners.
@Suite("Scanner nodes", .timeLimit(.minutes(1)))
struct EvdevNodeTests {
    private let scratch = Scratch()

    @Test("scans of several scanners come out whole, each by its own layout")
    func wholeFrames() async throws {
        let first = Node(scratch("event1"))
        let second = Node(scratch("event2"), layout: .de)
        let listener = try Listener()
        listener.loop.bind([first.node, second.node])
        #expect(await listener.next() == .connected(first.node, name: first.path))
        #expect(await listener.next() == .connected(second.node, name: second.path))
        for number in 1...20 {
            try first.play("PCB-100-\(number)")
            try second.play("Prüf_\(number)")
            let frames = await [listener.nextFrame(), listener.nextFrame()]
            #expect(Set(frames.compactMap(\.?.text)) == ["PCB-100-\(number)", "Prüf_\(number)"])
            #expect(frames.allSatisfy { $0?.outcome == .complete })
        }
    }

    @Test("an event may arrive in pieces, and many scans at once")
    func cutEvents() async throws {
        let (node, listener) = try await connected()
        let bytes = try Node.recording("A1")
        for start in stride(from: 0, to: bytes.count, by: 47) { node.write(bytes[start...].prefix(47)) }
        #expect(await listener.nextFrame()?.text == "A1")
        node.write(try (0..<20).flatMap { try Node.recording("N-\($0)", at: Int64($0) * 200_000) })
        for number in 0..<20 { #expect(await listener.nextFrame()?.text == "N-\(number)") }
    }

    @Test("a notice of dropped events breaks its scan and no other")
    func dropped() async throws {
        let (node, listener) = try await connected()
        var events = try Keystrokes.events(typing: "PCB-100-1")
        events.insert(InputEvent(time: events[10].time, type: 0, code: 3, value: 0), at: 10)
        node.write(events.flatMap(\.bytes))
        let broken = await listener.nextFrame()
        #expect(broken?.outcome == .broken(.dropped))
        node.write(try Node.recording("PCB-100-2", at: 1_000_000))
        #expect(await listener.nextFrame()?.text == "PCB-100-2")
    }

    @Test("what is left of a scan that is typed long after a notice of dropped events is no scan")
    func droppedLongAgo() async throws {
        let (node, listener) = try await connected()
        let notice = [InputEvent(time: 0, type: 0, code: 3, value: 0), InputEvent(time: 0, type: 0, code: 0, value: 0)]
        let scan = try Node.recording("ORDER-11001", at: 2_000_000)
        let half = 30 * InputEvent.size
        node.write(notice.flatMap(\.bytes) + scan[..<half])
        #expect(await listener.nextFrame()?.outcome == .broken(.dropped))
        node.write(scan[half...])
        node.write(try Node.recording("NEXT", at: 9_000_000))
        var frame = await listener.nextFrame()
        // Had the machine stood still in between, the rest is a broken scan.
        if frame?.outcome != .complete { frame = await listener.nextFrame() }
        #expect(frame?.text == "NEXT")
    }

    @Test("what stands still for 100 ms is broken, by the loop's clock and by the recording's")
    func pause() async throws {
        let (node, listener) = try await connected()
        node.write(try Node.recording("HALF-A-SCAN").dropLast(6 * InputEvent.size))
        let byClock = await listener.nextFrame()
        #expect(byClock?.text == "HALF-A-SCAN")
        #expect(byClock?.outcome == .broken(.pause))
        var events = try Keystrokes.events(typing: "AB")
        for index in 6..<events.count { events[index].time += 150_000 }
        node.write(events.flatMap(\.bytes))
        #expect(await listener.nextFrame()?.outcome == .broken(.pause))
        // The rest is no scan of its own.
        let rest = await listener.nextFrame()
        #expect(rest?.text == "B")
        #expect(rest?.outcome == .broken(.pause))
    }

    @Test("unplugged within a scan, and plugged in again")
    func unplug() async throws {
        let (node, listener) = try await connected()
        node.write(try Node.recording("HALF").dropLast(6 * InputEvent.size))
        unlink(node.path)
        node.unplug()
        let broken = await listener.nextFrame()
        #expect(broken?.text == "HALF")
        #expect(broken?.outcome == .broken(.unplugged))
        #expect(await listener.next() == .disconnected(node.node, reason: "unplugged"))
        let again = Node(node.path)
        #expect(await listener.next() == .connected(node.node, name: node.path))
        try again.play("WHOLE")
        #expect(await listener.nextFrame()?.text == "WHOLE")
    }

    @Test("a recording that ends, and the next one in the same pipe")
    func endOfRecording() async throws {
        let (node, listener) = try await connected()
        node.unplug()
        #expect(await listener.next() == .disconnected(node.node, reason: "unplugged"))
        #expect(await listener.next() == .connected(node.node, name: node.path))
        node.plug()
        try node.play("NEXT")
        #expect(await listener.nextFrame()?.text == "NEXT")
    }

    @Test("a node that isn't there is reported once, and read as soon as it is")
    func missing() async throws {
        let listener = try Listener()
        let path = scratch("event7")
        let node = BoundScanner(.node(path))
        listener.loop.bind([node])
        #expect(await listener.next() == .disconnected(node, reason: "not plugged in"))
        let pipe = Node(path)
        #expect(await listener.next() == .connected(node, name: path))
        try pipe.play("FIRST")
        #expect(await listener.nextFrame()?.text == "FIRST")
    }

    @Test("a serial port gives lines, whatever their ends and pauses")
    func serialPort() async throws {
        let (master, path) = try pseudoTerminal()
        defer { close(master) }
        let scanner = BoundScanner(.node(path), baud: 115_200)
        let listener = try Listener()
        listener.loop.bind([scanner])
        #expect(await listener.next() == .connected(scanner, name: path))
        for (bytes, text) in [("SN-1\r", "SN-1"), ("SN-2\r\n", "SN-2"), ("\u{1D}21é\n", "\u{1D}21é")] {
            let half = Array(bytes.utf8).count / 2
            #expect(write(master, Array(bytes.utf8), half) == half)
            #expect(write(master, Array(Array(bytes.utf8)[half...]), bytes.utf8.count - half) > 0)
            #expect(await listener.nextFrame()?.text == text)
        }
    }

    @Test("a speed that no serial port has is told")
    func serialSpeed() async throws {
        let (master, path) = try pseudoTerminal()
        defer { close(master) }
        let scanner = BoundScanner(.node(path), baud: 12_345)
        let listener = try Listener()
        listener.loop.bind([scanner])
        #expect(
            await listener.next() == .disconnected(scanner, reason: "a serial port knows no speed of 12345 baud"))
    }

    @Test("two bindings of one device: the second is told that it is taken")
    func twice() async throws {
        let (node, listener) = try await connected()
        let other = BoundScanner(.node(node.path), layout: .de)
        listener.loop.bind([node.node, other])
        let reason = "its device is bound as node:\(node.path) already; unbind one of the two"
        #expect(await listener.next() == .disconnected(other, reason: reason))
        try node.play("FIRST")
        #expect(await listener.nextFrame()?.text == "FIRST")
    }

    /// A pseudo-terminal: the descriptor of the scanner's end, and the path of the other.
    private func pseudoTerminal() throws -> (Int32, String) {
        let master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var unlocked: Int32 = 0
        var number: UInt32 = 0
        // TIOCSPTLCK and TIOCGPTN.
        try #require(ioctl(master, 0x4004_5431, &unlocked) == 0 && ioctl(master, 0x8004_5430, &number) == 0)
        return (master, "/dev/pts/\(number)")
    }

    @Test("what is no input device is refused")
    func noDevice() async throws {
        let listener = try Listener()
        let path = scratch("notes.txt")
        let file = BoundScanner(.node(path))
        scratch.write("notes.txt", "text")
        listener.loop.bind([file])
        #expect(await listener.next() == .disconnected(file, reason: "\(path) is no input device"))
        let null = BoundScanner(.node("/dev/null"))
        listener.loop.bind([null])
        #expect(await listener.next() == .disconnected(null, reason: "/dev/null is no input device"))
    }

    @Test("nodes can be replaced while scans go on")
    func rebind() async throws {
        let (stays, listener) = try await connected()
        let goes = Node(scratch("event2"))
        listener.loop.bind([stays.node, goes.node])
        #expect(await listener.next() == .connected(goes.node, name: goes.path))
        let comes = Node(scratch("event3"))
        listener.loop.bind([comes.node, stays.node])
        #expect(await listener.next() == .disconnected(goes.node, reason: "no longer bound to a station"))
        #expect(await listener.next() == .connected(comes.node, name: comes.path))
        try stays.play("STILL-HERE")
        #expect(await listener.nextFrame()?.text == "STILL-HERE")
    }

    @Test("after stop nothing is open and no event comes")
    func stop() async throws {
        let (node, listener) = try await connected()
        #expect(openCount(of: node.path) == 2)  // the player's and the loop's
        listener.loop.stop()
        #expect(openCount(of: node.path) == 1)
        try node.play("TOO-LATE")
        listener.loop.stop()
        listener.finish()
        #expect(await listener.next() == nil)
    }

    private func connected() async throws -> (Node, Listener) {
        let node = Node(scratch("event1"))
        let listener = try Listener()
        listener.loop.bind([node.node])
        #expect(await listener.next() == .connected(node.node, name: node.path))
        return (node, listener)
    }

    private func openCount(of path: String) -> Int {
        (0..<65_536).count { fd in
            var target = [CChar](repeating: 0, count: 4096)
            let length = readlink("/proc/self/fd/\(fd)", &target, target.count - 1)
            return length > 0 && String(buffer: target) == path
        }
    }
}

/// A named pipe in place of an evdev node, and the scanner that types into it.
private final class Node {
    let node: BoundScanner
    let path: String
    private var fd: Int32 = -1

    init(_ path: String, layout: KeyboardLayout = .us) {
        self.path = path
        node = BoundScanner(.node(path), layout: layout)
        mkfifo(path, 0o600)
        plug()
    }

    deinit { unplug() }

    /// For reading too, so that opening never waits for the loop.
    func plug() { fd = open(path, O_RDWR | O_CLOEXEC) }

    func unplug() {
        close(fd)
        fd = -1
    }

    func play(_ text: String) throws {
        write(try Keystrokes.events(typing: text, layout: node.layout).flatMap(\.bytes))
    }

    func write(_ bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        #expect(Glibc.write(fd, bytes, bytes.count) == bytes.count)
    }

    static func recording(_ text: String, at start: Int64 = 0) throws -> [UInt8] {
        try Keystrokes.events(typing: text, startingAt: start).flatMap(\.bytes)
    }
}

/// A loop and what it said.
private final class Listener {
    let loop: ScannerLoop
    private let continuation: AsyncStream<ScannerEvent>.Continuation
    private var events: AsyncStream<ScannerEvent>.Iterator

    init() throws {
        let (stream, continuation) = AsyncStream.makeStream(of: ScannerEvent.self)
        self.continuation = continuation
        events = stream.makeAsyncIterator()
        loop = try ScannerLoop { event in
            // What this machine has plugged in is no matter of these tests.
            if case .present = event { return }
            continuation.yield(event)
        }
    }

    func finish() { continuation.finish() }

    func next() async -> ScannerEvent? { await events.next() }

    /// The next frame; nil if anything else comes first.
    func nextFrame() async -> Frame? {
        guard case .frame(let frame, _) = await next() else { return nil }
        return frame
    }
}
