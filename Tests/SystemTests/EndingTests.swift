import Foundation
import Glibc
import Testing

/// What ends something for good, or for others, shows what it does and asks; where nobody can be asked it wants --yes.
@Suite(.serialized) struct EndingTests {
    private static let endings: [(command: [String], shows: String)] = [
        (["unit", "defect", "E-1", "scrap", "--type", "SOLDER", "--note", "n"], "Scrap E-1 (PCB-100, in production"),
        (["unit", "write-off", "E-1", "--reason", "lost", "--note", "n"], "E-1 (PCB-100, in production at assembly)"),
        (["work-order", "cancel", "1002"], "Cancel the work order 1002"),
        (["work-order", "close", "1002"], "Close the work order 1002"),
        (["person", "set", "mia", "--retired"], "Retire mia?"),
        (["team", "set", "smt", "--retired"], "Retire the team smt"),
        (["department", "set", "electronics", "--retired"], "Retire the department"),
        (["person", "revoke", "mia", "deliver"], "Take deliver from mia?"),
        (["defect-type", "retire", "SOLDER"], "Retire the defect type SOLDER"),
    ]

    @Test func whatEndsSomethingWantsAYes() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        #expect(daemon.ctl("unit", "register", "PCB-100", "E-1", "--work-order", "1001").status == 0)
        #expect(
            daemon.ctl("work-order", "create", "1002", "--product", "PCB-100", "--quantity", "1", "--team", "smt")
                .status
                == 0)
        let hook = daemon.ctl("webhook", "add", "http://127.0.0.1:9/x", "return.completed", "--json")
        let id = hook.out.firstMatch(of: /"id":"([^"]*)"/).map { String($0.output.1) } ?? ""
        func head() -> String {
            daemon.ctl("status", "--json").out.firstMatch(of: /"head":\d+/).map { String($0.output) } ?? ""
        }
        let before = head()
        let endings = Self.endings + [(["webhook", "remove", id], "http://127.0.0.1:9/x")]
        for (command, shown) in endings {
            let output = Daemon.run(Daemon.programs + "/travelerctl", command + ["--socket", daemon.socket])
            #expect(output.status == 64, "\(command): \(output)")
            #expect(output.error.contains(shown) && output.error.contains("--yes"), "\(command): \(output.error)")
        }
        #expect(head() == before, "nothing happened")
        let done = daemon.ctl("unit", "defect", "E-1", "scrap", "--type", "SOLDER", "--note", "n", "--yes")
        #expect(done.status == 0 && done.out.contains("written off"), "\(done)")
    }

    @Test func aSiteFileThatRetiresWantsAYes() throws {
        let daemon = try Daemon()
        try daemon.openLine()
        #expect(daemon.ctl("unit", "register", "PCB-100", "E-1", "E-2", "--work-order", "1001").status == 0)
        #expect(daemon.ctl("unit", "defect", "E-2", "pending", "--type", "SOLDER", "--note", "n").status == 0)
        #expect(daemon.ctl("unit", "receive", "PCB-100", "E-3", "--note", "found").status == 0)
        let site = Daemon.site(pipe: daemon.directory + "/scanner")
        let lines = site.split(separator: "\n", omittingEmptySubsequences: false)
        let path = daemon.directory + "/fewer.yaml"
        try lines.filter { !$0.contains("code: PCB-100,") && !$0.contains("login: mia") }.joined(separator: "\n")
            .write(toFile: path, atomically: true, encoding: .utf8)
        let plan = daemon.ctl("site", "plan", path)
        #expect(
            plan.out.contains("product PCB-100, still with 1 defect, 1 in production, 1 in stock, 1 open case"),
            "\(plan)")
        let refused = daemon.ctl("site", "apply", path)
        #expect(
            refused.status == 64 && refused.error.contains("person mia") && refused.error.contains("--yes"),
            "\(refused)")
        #expect(daemon.ctl("product", "show", "PCB-100", "--json").out.contains("\"retired\":false"))
        #expect(daemon.ctl("site", "apply", path, "--yes").status == 0)
        #expect(daemon.ctl("product", "show", "PCB-100", "--json").out.contains("\"retired\":true"))
        try site.write(toFile: path, atomically: true, encoding: .utf8)
        #expect(daemon.ctl("site", "apply", path).status == 0, "what retires nothing asks nothing")
    }

    @Test func whoWouldBeLockedOutIsTold() throws {
        guard getuid() == 0 else {
            print("SKIPPED: to be another user needs root")
            return
        }
        let daemon = try Daemon()
        let site = Daemon.site(pipe: "/none").replacing(
            "login: nobody, name: Nobody, role: member, team: smt", with: "login: games, name: Games, role: admin")
        try daemon.apply(site: site)
        let path = daemon.directory + "/without.yaml"
        try site.split(separator: "\n").filter { !$0.contains("login: games") }.joined(separator: "\n")
            .write(toFile: path, atomically: true, encoding: .utf8)
        func asGames(_ arguments: String...) -> Daemon.Output {
            Daemon.run(
                "/usr/bin/env",
                ["setpriv", "--reuid=games", "--regid=nogroup", "--clear-groups", Daemon.programs + "/travelerctl"]
                    + arguments + ["--socket", daemon.socket])
        }
        let refused = asGames("site", "apply", path)
        #expect(refused.status == 64 && refused.error.contains("LOCKED OUT"), "\(refused)")
        #expect(asGames("whoami").status == 0)
        #expect(asGames("site", "apply", path, "--yes").status == 0)
        let out = asGames("whoami")
        #expect(out.status == 77 && out.error.contains("retired"), "\(out)")
    }
}
