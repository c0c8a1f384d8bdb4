import Foundation
import Glibc
import Testing

/// Whoever may connect to the socket may be hostile: the daemon lives on, and the others are served.
@Suite(.serialized) struct DoorTests {
    @Test(.enabled(if: getuid() == 0, "to be another user needs root"))
    func aStrangerWithSevenHundredConnectionsHarmsNobody() throws {
        let daemon = try Daemon()
        try daemon.apply(site: Daemon.site(pipe: "/none").replacing("login: nobody", with: "login: games"))
        let stranger = try Stranger(
            daemon.socket,
            """
            held = []
            for _ in range(700):
                held.append(connect())
            say("held")
            end, turned = time.time() + 30, []
            while len(turned) < 60 and time.time() < end:
                turned = [s for s in held if select.select([s], [], [], 0)[0]]
            answers = set(text(s).split("\\r\\n")[0] for s in turned)
            say("turned away", len(turned), answers)
            """)
        #expect(try stranger.line() == "held")
        #expect(try stranger.line() == "turned away 60 {'HTTP/1.1 503 Service Unavailable'}")
        #expect(daemon.ctl("whoami").status == 0, "\(daemon.log)")
        let other = Daemon.run(
            "/usr/bin/env",
            [
                "setpriv", "--reuid=games", "--regid=nogroup", "--clear-groups", Daemon.programs + "/travelerctl",
                "whoami", "--socket", daemon.socket,
            ])
        #expect(other.status == 0, "\(other.error)")
        #expect(daemon.log.split(separator: "too many connections").count == 2, "said once: \(daemon.log)")
        stranger.end()
        // What the stranger had is free again.
        let again = try Stranger(daemon.socket, "say(ask('GET /v1/whoami HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')[:12])")
        #expect(try again.line() == "HTTP/1.1 403")
        #expect(daemon.stop() == 0)
    }

    @Test(.enabled(if: getuid() == 0, "to be another user needs root"))
    func aStrangerIsRefusedOnTheHeadAndPinsNoMemory() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        let before = try daemon.residentBytes()
        let stranger = try Stranger(
            daemon.socket,
            """
            statuses = {}
            held = []
            for number in range(300):
                s = connect()
                held.append(s)
                photo = number % 2
                target = "/v1/returns/1/items/2/photos" if photo else "/v1/units"
                send(s, "POST %s HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: %d\\r\\n\\r\\n" % (target, photo * 9000000 + 1000000))
                line = text(s).split("\\r\\n")[0]
                statuses[line] = statuses.get(line, 0) + 1
                # It goes on sending all the same.
                send(s, "x" * 999999)
            say(statuses)
            """)
        #expect(try stranger.line() == "{'HTTP/1.1 403 Forbidden': 300}")
        let after = try daemon.residentBytes()
        #expect(after - before < 60 << 20, "\(before) to \(after): the bodies are 300 MB")
        #expect(daemon.ctl("whoami").status == 0)
    }

    @Test func unfinishedBodiesShareOneBudget() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        #expect(daemon.ctl("unit", "register", "PCB-100", "U-1", "--work-order", "1001").status == 0)
        let before = try daemon.residentBytes()
        let body = String(repeating: " ", count: (1 << 20) - 1)
        var held: [RawSocket] = []
        for _ in 0..<300 {
            let socket = try RawSocket(daemon.socket)
            try socket.send("PUT /v1/site HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n" + body)
            held.append(socket)
        }
        // Half of 64 MiB is one user's. The others were told to come back, as all of their bytes were taken.
        var refused = 0
        for socket in held.reversed() where refused < 268 {
            let (status, answer) = try socket.answer()
            #expect(status == 503 && answer.contains("unavailable"), "\(answer)")
            refused += 1
        }
        let after = try daemon.residentBytes()
        #expect(after - before < 150 << 20, "\(before) to \(after): the bodies are 300 MiB")
        // A scan is small, and goes through.
        #expect(daemon.ctl("scan", "--station", "ASSY-1", "U-1").status == 0)
        let large = try RawSocket(daemon.socket)
        let (status, _) = try large.request("PUT", "/v1/site", body: body)
        #expect(status == 503)
        // Those that were let in can still be finished.
        try held[0].send(" ")
        #expect(try held[0].answer().0 == 400, "an empty site file")
        held = []
        try wait(for: "room for a large body") {
            try RawSocket(daemon.socket).request("PUT", "/v1/site", body: body).0 == 400
        }
    }

    @Test func withoutDescriptorsItWaitsSaysSoAndRecovers() throws {
        let daemon = try Daemon()
        let pid = try #require(daemon.pid)
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
        #expect(
            Daemon.run("/usr/bin/env", ["prlimit", "--pid", "\(pid)", "--nofile=\(open + 4):\(open + 4)"]).status == 0)
        var held = try (0..<20).map { _ in try RawSocket(daemon.socket) }
        let complaint = "cannot take a connection"
        try wait(for: "a line in the log") { daemon.log.contains(complaint) }
        let (began, used) = (Date(), try daemon.processorTime())
        try wait(for: "three seconds") { Date().timeIntervalSince(began) > 3 }
        #expect(try daemon.processorTime() - used < 1, "it does not spin")
        #expect(daemon.log.split(separator: complaint).count == 2, "said once: \(daemon.log)")
        #expect(daemon.log.contains("LimitNOFILE"))
        held = []
        #expect(daemon.ctl("whoami").status == 0, "it goes on once there is room")
        #expect(held.isEmpty && daemon.stop() == 0)
    }
}

extension Daemon {
    /// Memory that is resident.
    func residentBytes() throws -> Int {
        let pid = try #require(pid)
        let words = try String(contentsOfFile: "/proc/\(pid)/statm", encoding: .utf8).split(separator: " ")
        return try #require(Int(words[1])) * sysconf(Int32(_SC_PAGESIZE))
    }

    /// Seconds of processor time since the start.
    func processorTime() throws -> Double {
        let pid = try #require(pid)
        let stat = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        let words = try #require(stat.split(separator: ")").last).split(separator: " ")
        return Double(try #require(Int(words[11])) + (try #require(Int(words[12]))))
            / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}

/// A program of another user, whom nobody knows, that does something to the socket and then waits to be ended.
private final class Stranger {
    private let process = Process()
    private let (input, output) = (Pipe(), Pipe())
    private var pending = Data()

    init(_ socket: String, _ what: String) throws {
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-c", Self.beginning + what + "\nsys.stdin.read()\n", socket]
        (process.standardInput, process.standardOutput) = (input, output)
        try process.run()
    }

    deinit { end() }

    struct Ended: Error {}

    /// The next line that it says.
    func line() throws -> String {
        while true {
            if let end = pending.firstIndex(of: 0x0A) {
                defer { pending = Data(pending[(end + 1)...]) }
                return String(decoding: pending[..<end], as: UTF8.self)
            }
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { throw Ended() }
            pending += more
        }
    }

    func end() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    private static let beginning = """
        import os, select, socket, sys, time
        os.setgroups([])
        os.seteuid(12345)
        def connect():
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(30)
            while True:
                try:
                    s.connect(sys.argv[1])
                    return s
                except BlockingIOError:
                    time.sleep(0.01)
        def send(s, what):
            try:
                s.sendall(what.encode())
            except (BrokenPipeError, ConnectionResetError):
                pass
        def text(s):
            return s.recv(65536).decode()
        def ask(what):
            s = connect()
            send(s, what)
            return text(s)
        def say(*words):
            print(*words, flush=True)

        """
}
