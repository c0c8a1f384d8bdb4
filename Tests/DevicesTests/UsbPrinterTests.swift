import CLinux
import Dispatch
import Glibc
import Labels
import Synchronization
import Testing
import Tracking

@testable import Devices

/// USB printers as far as a pseudo terminal behaves as one: it takes bytes until its buffer is full, answers, and goes away.
/// It has no status byte. The driver itself, with paper, lids and cables, is tested in a virtual machine.
@Suite("USB printers", .timeLimit(.minutes(1)))
struct UsbPrinterTests {
    private let scratch = Scratch()
    private let zpl = "MFG:Test;CMD:ZPL;MDL:Stand-in;"

    /// A label that fits into no buffer.
    private static let label = Array("^XA^FO9,9^FD\(String(repeating: "0123456789", count: 30_000))^FS^XZ".utf8)

    private func printers(_ stand: PrinterStandIn, id: String? = nil) -> UsbPrinters {
        symlink(stand.path, scratch("lp0"))
        var device = Device(kind: .printer, node: scratch("lp0"), name: "lp0", body: "usb1")
        device.printerID = id ?? zpl
        return UsbPrinters(patience: .seconds(1)) { [device] _ in [device] }
    }

    private func send(
        _ usb: UsbPrinters, _ progress: Printer.Progress = .init()
    ) throws(PrinterError) {
        try Printer(.usb(.serial("S1")), stateDirectory: "/", usb: usb).send(
            Self.label, job: "1", serial: "A", progress: progress)
    }

    private func failure(_ usb: UsbPrinters, _ progress: Printer.Progress = .init()) -> PrinterError? {
        do throws(PrinterError) {
            try send(usb, progress)
            return nil
        } catch {
            return error
        }
    }

    @Test("the printer gets the label, all of it, after it is on record that it is on its way")
    func whole() throws {
        let stand = try #require(PrinterStandIn())
        let begun = Mutex<[[UInt8]]>([])
        try send(
            printers(stand),
            .init(begins: {
                begun.withLock { $0.append(stand.received) }
                return true
            }))
        #expect(stand.got(Self.label))
        #expect(begun.withLock { $0 } == [[]])
    }

    @Test(
        "one that is not ready gets nothing and says why",
        arguments: [PrinterCondition.paperOut, .headOpen, .paused, .ribbonOut])
    func notReady(condition: PrinterCondition) throws {
        let stand = try #require(PrinterStandIn())
        stand.change { $0.condition = condition }
        let usb = printers(stand)
        let error = try #require(
            failure(
                usb,
                .init(begins: {
                    Issue.record("begun"); return true
                })))
        #expect(error.reason == condition)
        #expect(error.isRetryable && !error.mayBePrinted)
        #expect(error.description == "cannot print on serial:S1: \(condition.sentence)")
        #expect(stand.received == [])
        stand.change { $0.condition = .ready }
        #expect(failure(usb) == nil)
    }

    @Test("paper that ends while it prints is told at once, and waited for with the node open")
    func heldUp() throws {
        let stand = try #require(PrinterStandIn())
        stand.change { state in state.whenTaken = { $0.condition = .paperOut } }
        let told = Mutex<[PrinterCondition?]>([])
        try send(
            printers(stand),
            .init(isHeldUp: { condition in
                told.withLock { $0.append(condition) }
                stand.change { $0.condition = .ready }
            }))
        #expect(told.withLock { $0 } == [.paperOut, nil])
        #expect(stand.got(Self.label))
    }

    @Test("it is printed when nothing is left to print")
    func drained() throws {
        let stand = try #require(PrinterStandIn())
        stand.change { state in
            state.whenTaken = { $0.formats = 3 }
            state.whenAsked = { $0.formats = max(0, $0.formats - 1) }
        }
        try send(printers(stand))
        #expect(stand.state.withLock(\.formats) == 0)
    }

    @Test("a label that waits behind one that nobody takes off is not printed", arguments: [true, false])
    func peelOff(saysSo: Bool) throws {
        let stand = try #require(PrinterStandIn())
        stand.change { state in
            state.whenTaken = { ($0.formats, $0.isLabelWaiting) = (1, saysSo) }
        }
        let told = Mutex<[PrinterCondition?]>([])
        try send(
            printers(stand),
            .init(isHeldUp: { condition in
                told.withLock { $0.append(condition) }
                stand.change { ($0.formats, $0.isLabelWaiting) = (0, false) }
            }))
        #expect(told.withLock { $0 } == [.labelsWaiting, nil])
    }

    @Test("one that always says that labels wait means something else by it")
    func alwaysWaiting() throws {
        let stand = try #require(PrinterStandIn())
        stand.change { $0.formats = 1 }
        try send(printers(stand))
        #expect(stand.got(Self.label))
    }

    @Test("one that does not answer is asked once; one without ZPL never")
    func mute() throws {
        let stand = try #require(PrinterStandIn())
        stand.change { $0.isSilent = true }
        let usb = printers(stand)
        try send(usb)
        try send(usb)
        #expect(stand.got(Self.label + Self.label))
        #expect(stand.state.withLock(\.requests) == 1)
        let other = try #require(PrinterStandIn())
        unlink(scratch("lp0"))
        try send(printers(other, id: "MFG:Test;CMD:TSPL;"))
        #expect(other.got(Self.label))
        #expect(other.state.withLock(\.requests) == 0)
    }

    @Test("one that used to answer and does not is in need of a hand")
    func fellSilent() throws {
        let stand = try #require(PrinterStandIn())
        let usb = printers(stand)
        try send(usb)
        stand.change { $0.isSilent = true }
        let error = try #require(failure(usb))
        #expect(error.reason == .fault)
        #expect(!error.mayBePrinted)
    }

    @Test("one that falls silent after it took all is waited for")
    func silentInTheEnd() throws {
        let stand = try #require(PrinterStandIn())
        stand.change { state in state.whenTaken = { $0.isSilent = true } }
        let told = Mutex<[PrinterCondition?]>([])
        try send(
            printers(stand),
            .init(isHeldUp: { condition in
                told.withLock { $0.append(condition) }
                stand.change { $0.isSilent = false }
            }))
        #expect(told.withLock { $0 } == [.fault, nil])
    }

    @Test("a ready printer that takes no more is offline, and the label may exist")
    func stalled() throws {
        let stand = try #require(PrinterStandIn())
        let error = try #require(
            failure(
                printers(stand),
                .init(begins: {
                    stand.change { $0.isReading = false }
                    return true
                })))
        #expect(error.reason == .offline)
        #expect(error.isRetryable && error.mayBePrinted)
        #expect(error.description.hasSuffix("of \(Self.label.count) bytes and no more"))
    }

    @Test("an unplug within a label is told as one")
    func unplugged() throws {
        let stand = try #require(PrinterStandIn())
        let node = scratch("lp0")
        let error = try #require(
            failure(
                printers(stand),
                .init(begins: {
                    stand.change { $0.isReading = false }
                    unlink(node)
                    return true
                })))
        #expect(error.reason == .offline)
        #expect(error.mayBePrinted)
        #expect(error.description == "cannot print on serial:S1: it was unplugged or switched off")
    }

    @Test("a label that is held up ends with the daemon")
    func stopped() throws {
        let stand = try #require(PrinterStandIn())
        stand.change { state in state.whenTaken = { $0.condition = .headOpen } }
        let isStopped = Mutex(false)
        let error = try #require(
            failure(
                printers(stand),
                .init(
                    isHeldUp: { _ in isStopped.withLock { $0 = true } }, isStopped: { isStopped.withLock { $0 } })))
        #expect(error.mayBePrinted)
    }

    @Test("half a label that lies in the printer is cancelled first")
    func partial() throws {
        let stand = try #require(PrinterStandIn())
        stand.change { state in
            state.isPartial = true
            state.whenTaken = { $0.isPartial = false }
        }
        try send(printers(stand))
        #expect(stand.got(Array("~JX\r\n".utf8) + Self.label))
    }

    @Test("a label whose end was lost on the way is no printed one")
    func lost() throws {
        let stand = try #require(PrinterStandIn())
        stand.change { state in state.whenTaken = { $0.isPartial = true } }
        let error = try #require(failure(printers(stand)))
        #expect(error.reason == .fault)
        #expect(error.mayBePrinted)
    }

    @Test("nothing is sent where nobody could record it")
    func unrecorded() throws {
        let stand = try #require(PrinterStandIn())
        let error = try #require(failure(printers(stand), .init(begins: { false })))
        #expect(error.isRetryable && !error.mayBePrinted)
        #expect(stand.received == [])
    }

    @Test("an address that means no printer, or two")
    func found() throws {
        let absent = try #require(failure(UsbPrinters { _ in [] }))
        #expect(absent.reason == .offline && absent.isRetryable && !absent.mayBePrinted)
        #expect(absent.description == "cannot print on serial:S1: it is not plugged in, or is switched off")
        let two = (1...2).map { number in
            var device = Device(kind: .printer, node: "/nonexistent/lp\(number)", name: "lp", body: "usb\(number)")
            device.port = "pci-usb-0:\(number):1.0"
            return device
        }
        let both = try #require(failure(UsbPrinters { _ in two }))
        #expect(both.reason == .ambiguous && both.isRetryable && !both.mayBePrinted)
        #expect(both.description.hasSuffix("name one by its port: port:pci-usb-0:1:1.0, port:pci-usb-0:2:1.0"))
        // Two nodes of one printer, and something that is none.
        var faces = two
        faces[1].body = faces[0].body
        faces.append(Device(kind: .serial, node: "/nonexistent/ttyACM0", name: "tty", body: "usb3"))
        let open = UsbPrinters { [faces] _ in faces }
        #expect(failure(open)?.reason == .offline)
    }

    @Test("how an idle printer is")
    func check() throws {
        let stand = try #require(PrinterStandIn())
        let usb = printers(stand)
        let printer = Printer(.usb(.serial("S1")), stateDirectory: "/", usb: usb)
        #expect(try printer.check() == .ready)
        stand.change { $0.condition = .headOpen }
        #expect(throws: PrinterError.self) { try printer.check() }
        #expect(stand.received == [])
        #expect(try Printer(.file(["x"]), stateDirectory: "/", usb: usb).check() == nil)
    }
}

/// A label printer at the other end of a pseudo terminal.
private final class PrinterStandIn: Sendable {
    struct State {
        /// What it got, without requests for its status.
        var received: [UInt8] = []
        var requests = 0
        var condition = PrinterCondition.ready
        var formats = 0
        var isPartial = false
        var isLabelWaiting = false
        var isSilent = false
        var isReading = true
        /// Done when the end of a label (`^XZ`) has come, and before each answer.
        var whenTaken: (@Sendable (inout State) -> Void)?
        var whenAsked: (@Sendable (inout State) -> Void)?

        var answer: String {
            func flag(_ condition: PrinterCondition) -> Int { self.condition == condition ? 1 : 0 }
            return
                "\u{2}030,\(flag(.paperOut)),\(flag(.paused)),0420,\(formats),0,0,\(isPartial ? 1 : 0),000,0,0,0\u{3}\r\n"
                + "\u{2}000,0,\(flag(.headOpen)),\(flag(.ribbonOut)),0,2,4,\(isLabelWaiting ? 1 : 0),00000000,1,000\u{3}\r\n\u{2}1234,0\u{3}\r\n"
        }
    }

    let path: String
    let state = Mutex(State())
    private let master: Int32
    /// Held open, so that the terminal outlives the sender's visits.
    private let slave: Int32
    private let wake: Int32

    init?() {
        var (master, slave) = (Int32(-1), Int32(-1))
        var name = [CChar](repeating: 0, count: 64)
        guard openpty(&master, &slave, &name, nil, nil) == 0 else { return nil }
        path = String(buffer: name)
        (self.master, self.slave) = (master, slave)
        wake = eventfd(0, Int32(EFD_NONBLOCK))
        var line = termios()
        guard tcgetattr(slave, &line) == 0 else { return nil }
        cfmakeraw(&line)
        guard tcsetattr(slave, TCSANOW, &line) == 0 else { return nil }
        _ = fcntl(master, F_SETFL, O_NONBLOCK)
        DispatchQueue(label: "stand-in").async { [weak self, wake, master, slave] in
            while let isReading = self?.state.withLock(\.isReading) {
                var entries = [pollfd(fd: wake, events: Int16(POLLIN), revents: 0)]
                if isReading { entries.append(pollfd(fd: master, events: Int16(POLLIN), revents: 0)) }
                poll(&entries, nfds_t(entries.count), 1_000)
                var count: eventfd_t = 0
                eventfd_read(wake, &count)
                if isReading { self?.take() }
            }
            for fd in [master, slave, wake] { close(fd) }
        }
    }

    var received: [UInt8] { state.withLock(\.received) }

    /// Whether it gets exactly this, once it has read as much. (An expectation of the bytes would print them all.)
    func got(_ bytes: [UInt8]) -> Bool {
        while received.count < bytes.count { usleep(1_000) }
        return received == bytes
    }

    func change(_ body: (inout State) -> Void) {
        state.withLock { body(&$0) }
        eventfd_write(wake, 1)
    }

    private func take() {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(master, &buffer, buffer.count)
        guard count > 0 else { return }
        let answers = state.withLock { state in
            state.received += buffer.prefix(count)
            let request = HostStatus.request
            var answers: [UInt8] = []
            var asked = 0
            while state.received.suffix(request.count).elementsEqual(request) {
                state.received.removeLast(request.count)
                asked += 1
            }
            if state.received.suffix(3).elementsEqual("^XZ".utf8), let whenTaken = state.whenTaken {
                state.whenTaken = nil
                whenTaken(&state)
            }
            for _ in 0..<asked {
                state.requests += 1
                state.whenAsked?(&state)
                if !state.isSilent { answers += Array(state.answer.utf8) }
            }
            return answers
        }
        _ = write(master, answers, answers.count)
    }
}
