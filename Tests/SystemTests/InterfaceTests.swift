import Foundation
import Testing

/// The command line and the socket as their users meet them.
@Suite(.serialized) struct InterfaceTests {
    @Test func aNewcomerIsToldWhatToDoNext() throws {
        let daemon = try Daemon()
        let status = daemon.ctl("status")
        #expect(status.status == 0)
        #expect(status.out.contains("site apply"))
    }

    @Test func exitStatusesTellThingsApart() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        #expect(daemon.ctl("unit", "register", "PCB-100", "U-1", "--work-order", "1001").status == 0)
        #expect(daemon.ctl("scan", "--station", "TEST-1", "U-1").status == 1, "refused by a rule")
        #expect(daemon.ctl("unit", "bogus").status == 64, "wrong usage")
        #expect(daemon.ctl("unit", "show", "NONE").status == 66, "not found")
        let away = Daemon.run(Daemon.programs + "/travelerctl", ["status", "--socket", "/nowhere/control.sock"])
        #expect(away.status == 69)
        #expect(away.error.contains("travelerd"), "says what to look at: \(away.error)")
    }

    @Test func anotherUserSeesOnlyWhatIsTheirs() throws {
        guard getuid() == 0 else {
            print("SKIPPED: to be another user needs root")
            return
        }
        let daemon = try Daemon()
        try daemon.openLine()
        #expect(daemon.ctl("unit", "register", "PCB-100", "U-1", "U-2", "--work-order", "1001").status == 0)
        #expect(daemon.ctl("unit", "assign", "U-1", "--to", "nobody").status == 0)
        func asUser(_ user: String, _ arguments: String...) -> Daemon.Output {
            Daemon.run(
                "/usr/bin/env",
                ["setpriv", "--reuid=\(user)", "--regid=nogroup", "--clear-groups", Daemon.programs + "/travelerctl"]
                    + arguments + ["--socket", daemon.socket])
        }
        #expect(asUser("daemon", "whoami").status == 77)
        #expect(daemon.ctl("log", "audit", "--json").out.contains("access.denied"))
        // `nobody` has the overflow uid, which may be anybody of another user namespace.
        #expect(asUser("nobody", "whoami").status == 77)
        try daemon.apply(site: Daemon.site(pipe: "/none").replacing("login: nobody", with: "login: games"))
        #expect(daemon.ctl("unit", "assign", "U-1", "--to", "games").status == 0)
        #expect(asUser("games", "unit", "show", "U-1").status == 0)
        #expect(asUser("games", "unit", "show", "U-2").status == 66)
        #expect(!asUser("games", "unit", "list", "--json").out.contains("U-2"))
        #expect(asUser("games", "unit", "hold", "U-1", "--note", "x").status == 77)
    }

    @Test func anEmptyNameIsRefusedWithWords() throws {
        let daemon = try Daemon()
        for (command, reason) in [
            (["unit", "show", ""], "the serial is empty"), (["unit", "assign", "X", "--to", ""], "The login is empty"),
            (["return", "show", ""], "the name or number is empty"),
            (["repacking", "process", "", "ready"], "is empty"),
            (["defect", "show", ""], "is empty"),
        ] {
            let output = Daemon.run(Daemon.programs + "/travelerctl", command + ["--socket", daemon.socket])
            #expect(output.status == 64 && output.error.contains(reason), "\(command): \(output)")
        }
    }

    @Test func aScenarioSaysWhatIsMissing() throws {
        let directory =
            FileManager.default.temporaryDirectory.path + "/traveler-missing-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try Daemon.site(pipe: "/none").write(toFile: directory + "/site.yaml", atomically: true, encoding: .utf8)
        let scenario = """
            site site.yaml
            LABEL-1 TRV:NEW => accepted serial=$board
            ASSY-1 $board => accepted
            unit $board status=in_production
            LINE-9 X => accepted
            """
        try scenario.write(toFile: directory + "/x.scenario", atomically: true, encoding: .utf8)
        let lines = Daemon.run(Daemon.programs + "/travelerd", ["scenario", directory + "/x.scenario"]).out
            .split(separator: "\n").map { $0.replacing(directory + "/", with: "") }
        #expect(lines.contains { $0.hasPrefix("x.scenario:2: expected accepted, came refused") }, "\(lines)")
        let missing = "there is no $board: the line that should have kept it failed, or comes later"
        #expect(lines.contains("x.scenario:3: " + missing) && lines.contains("x.scenario:4: " + missing), "\(lines)")
        #expect(lines.contains("    came: there is no station LINE-9"), "\(lines)")
    }

    @Test func badRequestsGetAClearErrorAndChangeNothing() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        let before = try RawSocket(daemon.socket).request("GET", "/v1/status").1
        let bad: [(String, String, String, Int)] = [
            ("POST", "/v1/units", "{\"product\":\"PCB-100\",", 400),
            ("POST", "/v1/units", "{\"product\":5,\"serials\":[\"A\"]}", 400),
            ("POST", "/v1/units", "{\"product\":\"PCB-100\",\"serials\":[\"A\",\"A\"],\"work_order\":\"1001\"}", 400),
            ("POST", "/v1/units", "{\"product\":\"PCB-100\",\"serials\":[\"A B\"],\"work_order\":\"1001\"}", 400),
            ("POST", "/v1/units", "{\"product\":\"PCB-100\",\"serials\":[\"TRV:X\"],\"work_order\":\"1001\"}", 400),
            ("POST", "/v1/units", "{\"product\":\"PCB-100\",\"serials\":[\"\\u0000\"],\"work_order\":\"1001\"}", 400),
            ("POST", "/v1/units", "{\"product\":\"PCB-100\",\"serials\":[\"Ä\"],\"work_order\":\"1001\"}", 400),
            ("POST", "/v1/units", "{\"surprise\":1}", 400),
            ("GET", "/v1/units/..%2F..%2Fetc%2Fpasswd", "", 404),
            ("GET", "/v1/units/%00", "", 404),
            ("GET", "/v1/units?limit=0", "", 400),
            ("GET", "/v1/units?nonsense=1", "", 400),
            ("GET", "/v1/nothing", "", 404),
            ("DELETE", "/v1/units", "", 405),
            ("PUT", "/v1/site", "teams: [", 400),
            ("POST", "/v1/units", "\"" + String(repeating: "x", count: (1 << 20) + 10) + "\"", 413),
        ]
        for (method, path, body, expected) in bad {
            let (status, answer) = try RawSocket(daemon.socket).request(method, path, body: body)
            #expect(status == expected, "\(method) \(path) \(body.prefix(60)): \(answer.prefix(300))")
            #expect(answer.contains("\"code\"") && answer.contains("\"detail\""))
        }
        let after = try RawSocket(daemon.socket).request("GET", "/v1/status").1
        func head(_ text: String) -> String? {
            text.split(separator: "\"head\":").dropFirst().first.map { String($0.prefix(8)) }
        }
        #expect(head(before) == head(after))
    }

    @Test func aBadSiteFileSaysWhereAndWhatWouldBeRight() throws {
        let daemon = try Daemon()
        let path = daemon.directory + "/bad.yaml"
        try "teams:\n  - { code: smt, name: SMT, departmant: x }\n".write(
            toFile: path, atomically: true, encoding: .utf8)
        let output = daemon.ctl("site", "apply", path)
        #expect(output.status != 0)
        #expect(output.error.contains("2:") && output.error.contains("department"))
        #expect(!daemon.ctl("status", "--json").out.contains("\"site\":true"))
    }

    @Test func anExportAppliedChangesNothing() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        let exported = daemon.ctl("site", "export")
        #expect(exported.status == 0)
        let path = daemon.directory + "/exported.yaml"
        try exported.out.write(toFile: path, atomically: true, encoding: .utf8)
        let plan = daemon.ctl("site", "plan", path, "--json")
        #expect(plan.out.contains("\"unchanged\":true"), "\(plan.out)")
    }

    @Test func eventsResumeWithoutLossOrRepeat() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        #expect(daemon.ctl("unit", "register", "PCB-100", "E-1", "--work-order", "1001").status == 0)
        func read(after id: Int, count: Int) throws -> [Int] {
            let socket = try RawSocket(daemon.socket)
            try socket.send("GET /v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: \(id)\r\n\r\n")
            var ids: [Int] = []
            while ids.count < count {
                _ = try socket.read(until: "id: ")
                ids.append(Int(try socket.read(until: "\n").dropLast()) ?? -1)
            }
            return ids
        }
        #expect(try read(after: 0, count: 4) == [1, 2, 3, 4])
        #expect(daemon.ctl("unit", "hold", "E-1", "--note", "look").status == 0)
        #expect(try read(after: 3, count: 2) == [4, 5])
    }
}
