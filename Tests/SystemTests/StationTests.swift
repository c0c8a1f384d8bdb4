import Barcodes
import Foundation
import Glibc
import Testing

/// Scanners and printers at the stations of a real daemon.
@Suite(.serialized) struct StationTests {
    /// What a scanner sends for these codes.
    private func type(_ codes: String..., into pipe: FileHandle) throws {
        for code in codes {
            let events = try Keystrokes.events(typing: code, layout: .us, startingAt: 1_000_000)
            try pipe.write(contentsOf: Data(events.flatMap(\.bytes)))
        }
    }

    /// A daemon with an open line, whose scanner is a pipe.
    private func lineWithScanner() throws -> (daemon: Daemon, path: String, pipe: FileHandle) {
        let daemon = try Daemon(start: false)
        let path = daemon.directory + "/scanner"
        #expect(mkfifo(path, 0o600) == 0)
        let pipe = try #require(FileHandle(forUpdatingAtPath: path))
        try daemon.start()
        try daemon.openLine()
        return (daemon, path, pipe)
    }

    @Test func aBoundScannerMovesAUnit() throws {
        let (daemon, _, pipe) = try lineWithScanner()
        #expect(daemon.ctl("unit", "register", "PCB-100", "U-1", "--work-order", "1001").status == 0)
        try type("1007", "U-1", into: pipe)
        try wait(for: "the unit to move on") {
            daemon.ctl("unit", "show", "U-1", "--json").out.contains("\"testing\"")
        }
        let history = daemon.ctl("unit", "history", "U-1", "--json").out
        #expect(history.contains("\"mia\"") && history.contains("ASSY-1"))
        let scans = daemon.ctl("log", "scans", "--json").out
        #expect(scans.contains("badge:mia") && !scans.contains("\"1007\""), "a badge is recorded as its person")
    }

    @Test func aSlipSaysWhatHappenedAndARefusalTwice() throws {
        let (daemon, path, pipe) = try lineWithScanner()
        try daemon.apply(
            site: Daemon.site(pipe: path).replacingOccurrences(
                of: "stages: [assembly], team: smt,",
                with: "stages: [assembly], team: smt, printers: [\"file:slips/\"], slips: all,"))
        #expect(daemon.ctl("unit", "register", "PCB-100", "U-1", "--work-order", "1001").status == 0)
        func slips(with text: String) throws -> Int {
            let directory = daemon.directory + "/slips"
            return try ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).filter {
                try String(contentsOfFile: directory + "/" + $0, encoding: .utf8).contains(text)
            }.count
        }
        // The second of them is a double read: it says once more that the first did not count.
        try type("NOBODY", "NOBODY", into: pipe)
        try wait(for: "two slips") { try slips(with: "REFUSED") == 2 }
        try type("U-1", into: pipe)
        try wait(for: "the slip of the unit") { try slips(with: "PASSED") == 1 }
        let scans = daemon.ctl("log", "scans", "--station", "ASSY-1", "--json").out
        #expect(scans.contains("\"ignored\"") && scans.contains("\"unknown_serial\""))
    }

    @Test func aLabelIsPrintedToAFileAndScannedBack() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        #expect(daemon.ctl("scan", "--station", "LABEL-1", "TRV:WO:1001", "TRV:NEW").status == 0)
        let labels = daemon.directory + "/labels"
        try wait(for: "the label") {
            try (try? FileManager.default.contentsOfDirectory(atPath: labels))?.contains {
                try $0.hasSuffix(".zpl")
                    && String(contentsOfFile: labels + "/" + $0, encoding: .utf8).contains("B-0001")
            } ?? false
        }
        try wait(for: "the job to be printed") { daemon.ctl("label", "jobs", "--json").out.contains("\"printed\"") }
        #expect(daemon.ctl("unit", "show", "B-0001").status == 66)
        #expect(daemon.ctl("scan", "--station", "LABEL-1", "B-0001").status == 0)
        #expect(daemon.ctl("unit", "show", "B-0001").status == 0)
    }

    @Test func aPrinterThatIsAwayIsTriedAgainAndSaysWhy() throws {
        let listener = try Listener()
        let port = listener.port
        listener.stop()
        let daemon = try Daemon()
        try daemon.apply(site: Daemon.site(pipe: daemon.directory + "/none", printer: "tcp://127.0.0.1:\(port)"))
        #expect(daemon.ctl("unit", "receive", "PCB-100", "^XZ~JA", "--note", "hostile").status == 0)
        #expect(daemon.ctl("label", "print", "^XZ~JA", "--station", "LABEL-1").status == 0)
        try wait(for: "the reason") { daemon.ctl("label", "jobs", "--json").out.contains("\"problem\"") }
        let again = try Listener(port: port)
        let label = try again.receive()
        #expect(label.contains("_5EXZ_7EJA"), "a serial can't become a command: \(label)")
        #expect(label.components(separatedBy: "^XZ").count == 2)
        try wait(for: "the job to be printed") { daemon.ctl("label", "jobs", "--json").out.contains("\"printed\"") }
    }
}

/// A printer on the network, as far as it takes what it is sent.
final class Listener {
    private var descriptor: Int32
    let port: UInt16

    init(port wanted: UInt16 = 0) throws {
        descriptor = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        (address.sin_family, address.sin_port) = (sa_family_t(AF_INET), wanted.bigEndian)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let fd = descriptor
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(fd, $0, length) == 0 && listen(fd, 8) == 0 && getsockname(fd, $0, &length) == 0
            }
        }
        guard bound else { throw RawSocket.Broken() }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { stop() }

    func stop() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    /// Takes one connection and everything that comes over it.
    func receive() throws -> String {
        let connection = accept(descriptor, nil, nil)
        guard connection >= 0 else { throw RawSocket.Broken() }
        defer { close(connection) }
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while case let count = recv(connection, &buffer, buffer.count, 0), count > 0 { all += buffer[..<count] }
        return String(decoding: all, as: UTF8.self)
    }
}
