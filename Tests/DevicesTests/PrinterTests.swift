import Glibc
import Labels
import Synchronization
import Testing
import Tracking

@testable import Devices

/// A machine without USB printers.
private let noUsb = UsbPrinters { _ in [] }

@Suite("Printer addresses")
struct PrinterAddressTests {
    @Test(
        "read and written",
        arguments: [
            ("file:labels/", PrinterAddress.directory(["labels"])), ("file:a/b c/", .directory(["a", "b c"])),
            ("file:labels.zpl", .file(["labels.zpl"])), ("file:out/labels.zpl", .file(["out", "labels.zpl"])),
            ("tcp://127.0.0.1:9100", .tcp(host: "127.0.0.1", port: 9100)),
            ("tcp://zebra-1.plant.example:6101", .tcp(host: "zebra-1.plant.example", port: 6101)),
            ("tcp://[fe80::1%eth0]:9100", .tcp(host: "fe80::1%eth0", port: 9100)),
            ("port:pci-0000:00:14.0-usb-0:3:1.0", .usb(.port("pci-0000:00:14.0-usb-0:3:1.0"))),
            ("serial:PRT0001", .usb(.serial("PRT0001"))),
        ])
    func valid(text: String, address: PrinterAddress) throws {
        #expect(try PrinterAddress(parsing: text) == address)
        #expect(address.description == text)
    }

    @Test("the port is 9100 where none is given")
    func defaultPort() throws {
        #expect(try PrinterAddress(parsing: "tcp://zebra").description == "tcp://zebra:9100")
        #expect(try PrinterAddress(parsing: "tcp://[::1]").description == "tcp://[::1]:9100")
    }

    @Test(
        "refused",
        arguments: [
            "", "labels/", "file:", "file:/", "file:/etc/passwd", "file:../x", "file:a/../../x", "file:./a",
            "file:a//b", "file:.hidden",
            "file:a\nb", "file:a\0b", "tcp://", "tcp://:9100", "tcp://h:0", "tcp://h:65536", "tcp://h:-1", "tcp://h:",
            "tcp://h:٣",
            "tcp://a b", "tcp://h:91/x", "tcp://[::1]9100", "usb:1", "http://h",
            "port:", "port", "serial:", "serial:a b", "serial:ä", "node:/dev/usb/lp0", "PORT:x",
        ])
    func invalid(text: String) throws {
        let problem = try #require(throws: PrinterAddress.Problem.self) { try PrinterAddress(parsing: text) }
        #expect(problem.description.hasPrefix("cannot use printer \"\(text)\": "))
    }
}

@Suite("File printers")
struct FilePrinterTests {
    private let state = Scratch()

    private func send(_ label: String, to address: String, job: String = "7", serial: String = "A1") throws {
        try Printer(PrinterAddress(parsing: address), stateDirectory: state.path, usb: noUsb).send(
            Array(label.utf8), job: job, serial: serial)
    }

    private func reason(_ address: String) -> PrinterCondition? {
        do {
            try send("label", to: address)
            return nil
        } catch {
            return (error as? PrinterError)?.reason
        }
    }

    @Test("one file a label, named by time, job and serial")
    func directory() throws {
        try send("^XA^XZ", to: "file:labels/")
        try send("^XA1^XZ", to: "file:labels/", job: "8")
        let names = state.names("labels")
        #expect(names.count == 2)
        let first = try #require(names.first)
        #expect(first.hasSuffix("Z-7-A1.zpl"))
        #expect(first.count == "20260302T080000.123Z-7-A1.zpl".count)
        #expect(state.read("labels/\(first)") == "^XA^XZ")
        var status = stat()
        stat(state("labels/\(first)"), &status)
        #expect(status.st_mode & 0o137 == 0)
    }

    @Test(
        "a serial is never a path",
        arguments: [
            "../../etc/passwd", "/etc/passwd", "..", ".", "a/b", "a\0b", "-rf", "~", "$(id)", "ü",
            String(repeating: "/", count: 64), "",
        ])
    func hostileNames(serial: String) throws {
        try send("x", to: "file:labels/", job: "../\(serial)", serial: serial)
        #expect(state.names() == ["labels"])
        let names = state.names("labels")
        #expect(names.count == 1)
        #expect(names.allSatisfy { $0.utf8.count <= 255 && $0.hasSuffix(".zpl") && $0.hasPrefix("2") })
    }

    @Test("labels are appended to a file")
    func append() throws {
        try send("one\n", to: "file:out/labels.zpl")
        try send("two\n", to: "file:out/labels.zpl")
        #expect(state.read("out/labels.zpl") == "one\ntwo\n")
    }

    @Test("no link leads out of the state directory, or anywhere")
    func links() throws {
        let elsewhere = Scratch()
        elsewhere.write("file", "before")
        symlink(elsewhere.path, state("out"))
        symlink(elsewhere("file"), state("labels.zpl"))
        mkdir(state("dir"), 0o755)
        symlink("../dir", state("dir/loop"))
        for address in ["file:out/", "file:out/file", "file:labels.zpl", "file:dir/loop/", "file:labels.zpl/"] {
            #expect(reason(address) == .unusable, "\(address)")
        }
        #expect(elsewhere.names() == ["file"])
        #expect(elsewhere.read("file") == "before")
    }

    @Test("what is no file is refused, and a pipe that nobody reads holds nobody up")
    func noFile() throws {
        mkfifo(state("pipe"), 0o600)
        mkdir(state("dir"), 0o755)
        #expect(reason("file:pipe") == .unusable)
        let reader = open(state("pipe"), O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        #expect(reason("file:pipe") == .unusable)
        let error = try #require(throws: PrinterError.self) { try send("x", to: "file:dir") }
        #expect(error.description == "cannot print on file:dir: dir is a directory; file:dir/ stores labels in it")
        #expect(!error.isRetryable)
    }

    @Test("what a killed daemon left half written is no label and in nobody's way")
    func leftOver() throws {
        mkdir(state("labels"), 0o750)
        state.write("labels/.7.part", "^XA^FDhal")
        state.write("victim", "before")
        symlink(state("victim"), state("labels/.8.part"))
        try send("x", to: "file:labels/", job: "7")
        try send("y", to: "file:labels/", job: "8")
        let names = state.names("labels")
        #expect(names.count == 2)
        #expect(Set(names.map { state.read("labels/\($0)") }) == ["x", "y"])
        #expect(state.read("victim") == "before")
    }

    @Test("nothing is written where nobody could record that the label is on its way")
    func unrecorded() throws {
        for address in ["file:labels/", "file:labels.zpl"] {
            let error = try #require(throws: PrinterError.self) {
                try Printer(PrinterAddress(parsing: address), stateDirectory: state.path, usb: noUsb).send(
                    [1], job: "1", serial: "A", progress: .init(begins: { false }))
            }
            #expect(error.isRetryable && !error.mayBePrinted)
        }
        #expect(state.names() == [])
    }

    @Test("a missing state directory can come back")
    func missing() throws {
        let printer = Printer(.file(["x"]), stateDirectory: state("gone"), usb: noUsb)
        let error = try #require(throws: PrinterError.self) { try printer.send([1], job: "1", serial: "A") }
        #expect(error.isRetryable)
    }

    @Test("a full disk is told apart, and leaves no part of a label", .enabled(if: SmallDisk.isPossible, "needs root"))
    func fullDisk() throws {
        let disk = try #require(SmallDisk(at: state.path, bytes: 64 << 10))
        defer { disk.unmount() }
        try send("first\n", to: "file:labels.zpl")
        let large = String(repeating: "x", count: 1 << 20)
        for address in ["file:labels/", "file:labels.zpl"] {
            let error = try #require(throws: PrinterError.self) { try send(large, to: address) }
            #expect(error.reason == .storage)
            #expect(error.isRetryable)
            #expect(error.description.contains("the disk is full"))
        }
        #expect(state.names("labels") == [])
        #expect(state.read("labels.zpl") == "first\n")
        try send("second\n", to: "file:labels.zpl")
        #expect(state.read("labels.zpl") == "first\nsecond\n")
    }

    @Test("a forbidden directory is told apart", .enabled(if: getuid() != 0, "root may write everywhere"))
    func forbidden() {
        mkdir(state("dir"), 0o555)
        #expect(reason("file:dir/") == .notPermitted)
    }
}

@Suite("Network printers", .timeLimit(.minutes(1)))
struct NetworkPrinterTests {
    @Test("the printer gets the label, all of it, and then the end")
    func whole() throws {
        let printer = try #require(TCPPrinter())
        let label = (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let received = printer.receiveOne()
        try Printer(.tcp(host: "127.0.0.1", port: printer.port), stateDirectory: "/", usb: noUsb).send(
            label, job: "1", serial: "A")
        #expect(received.wait() == label)
    }

    @Test("a printer that talks without end has its label, and the next one its turn")
    func talksOn() throws {
        let printer = try #require(TCPPrinter())
        let talked = printer.talkToOne()
        try Printer(.tcp(host: "127.0.0.1", port: printer.port), stateDirectory: "/", usb: noUsb).send(
            [1], job: "1", serial: "A")
        talked.wait()
    }

    @Test("nobody listens")
    func refused() throws {
        let port = try #require(TCPPrinter()).port
        let error = try #require(throws: PrinterError.self) {
            try Printer(.tcp(host: "127.0.0.1", port: port), stateDirectory: "/", usb: noUsb).send(
                [1], job: "1", serial: "A")
        }
        #expect(error.reason == .offline)
        #expect(error.isRetryable)
        #expect(error.description == "cannot print on tcp://127.0.0.1:\(port): Connection refused")
        #expect(!error.mayBePrinted)
    }

    @Test("a printer that hangs up within a label is offline")
    func hangsUp() throws {
        let printer = try #require(TCPPrinter())
        let hungUp = printer.hangUpOnOne()
        let error = try #require(throws: PrinterError.self) {
            let label = [UInt8](repeating: 0, count: 32 << 20)
            try Printer(.tcp(host: "127.0.0.1", port: printer.port), stateDirectory: "/", usb: noUsb).send(
                label, job: "1", serial: "A")
        }
        _ = hungUp.wait()
        #expect(error.reason == .offline)
        #expect(error.description.contains("the connection broke"))
        #expect(error.mayBePrinted)
    }

    @Test("a printer that takes no more after all was sent is offline, and the label may exist")
    func takesNoMore() throws {
        let printer = try #require(TCPPrinter(room: 4_096))
        let isOver = Mutex(false)
        let left = printer.leaveOne { isOver.withLock(\.self) }
        let connection = try roomyConnection(to: printer)
        let failure = try #require(throws: Printer.Failure.self) {
            try NetworkPrinter.send([UInt8](repeating: 0, count: 100_000), on: connection, patience: 300)
        }
        isOver.withLock { $0 = true }
        _ = left.wait()
        #expect(failure.reason == .offline && failure.mayBePrinted)
        let taken = try #require(Int(failure.text.split(separator: " ")[3]))
        #expect(failure.text == "the printer took \(taken) of 100000 bytes and no more")
        #expect((1..<100_000).contains(taken))
    }

    @Test("a connection that breaks after all was sent and before all was taken")
    func breaksLate() throws {
        let printer = try #require(TCPPrinter(room: 4_096))
        let connection = try roomyConnection(to: printer)
        let left = printer.leaveOne { [fd = connection.fd] in
            // The sender has said that this is all (FIN_WAIT1, first in `struct tcp_info`).
            var state = [UInt8](repeating: 0, count: 1)
            var length = socklen_t(1)
            getsockopt(fd, Int32(IPPROTO_TCP), TCP_INFO, &state, &length)
            return state[0] == 4
        }
        let failure = try #require(throws: Printer.Failure.self) {
            try NetworkPrinter.send([UInt8](repeating: 0, count: 100_000), on: connection)
        }
        _ = left.wait()
        #expect(failure.text == "the connection broke: Connection reset by peer")
        #expect(failure.mayBePrinted)
    }

    /// A connection that takes a whole label at once, whatever the printer does.
    private func roomyConnection(to printer: TCPPrinter) throws -> Descriptor {
        let connection = try NetworkPrinter.connect(host: "127.0.0.1", port: printer.port)
        var room: Int32 = 200_000
        setsockopt(connection.fd, SOL_SOCKET, SO_SNDBUF, &room, socklen_t(MemoryLayout<Int32>.size))
        return connection
    }

    @Test("a name without an address, such as that of a printer that is off")
    func unknownHost() throws {
        let error = try #require(throws: PrinterError.self) {
            try Printer(.tcp(host: "256.256.256.256", port: 9100), stateDirectory: "/", usb: noUsb).send(
                [1], job: "1", serial: "A")
        }
        #expect(error.description.hasPrefix("cannot print on tcp://256.256.256.256:9100: no address for"))
    }
}
