import Foundation
import Glibc
import Testing

/// A stop between any two steps of a return leaves all of a step, or nothing.
@Suite(.serialized) struct ReturnCrashTests {
    private static let site = """
        departments: [{ code: e, name: E }]
        teams: [{ code: smt, name: S, department: e }]
        products: [{ code: P, name: Board, type: pcb }]
        stations: [{ name: BACK, mode: returns, team: smt }]
        """

    /// A return of many units that is decided but for its completion.
    private func prepare(_ daemon: Daemon, units: Int) throws -> (id: String, items: [String]) {
        try daemon.apply(site: Self.site)
        let serials = (0..<units).map { "U-\($0)" }
        let socket = try RawSocket(daemon.socket)
        func ask(_ method: String, _ target: String, _ body: Any) throws -> [String: Any] {
            let data = try JSONSerialization.data(withJSONObject: body)
            let (status, answer) = try socket.request(method, target, body: String(decoding: data, as: UTF8.self))
            #expect(status < 300, "\(target): \(answer.prefix(300))")
            return try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any] ?? [:]
        }
        _ = try ask("POST", "/v1/units/receive", ["product": "P", "serials": serials, "note": "n"])
        _ = try ask("POST", "/v1/deliveries", ["order": "SO-1", "serials": serials])
        let made = try ask(
            "POST", "/v1/returns",
            ["order": "SO-1", "kind": "return", "reason": "other", "items": serials.map { ["serial": $0] }])
        let id = try #require(made["id"] as? String)
        let items = (made["items"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }
        _ = try ask("POST", "/v1/returns/\(id)/inspection", [String: String]())
        for item in items {
            _ = try ask(
                "POST", "/v1/returns/\(id)/items/\(item)/inspection", ["condition": "good", "decision": "restock"])
        }
        let answers = (1...5).map { ["question": $0, "answer": "yes"] as [String: Any] }
        _ = try ask("PUT", "/v1/returns/\(id)/checklist", ["answers": answers])
        return (id, items)
    }

    @Test func killedWhileCompleting() throws {
        let daemon = try Daemon()
        let (id, items) = try prepare(daemon, units: 120)
        let socket = try RawSocket(daemon.socket)
        let request = "POST /v1/returns/\(id)/complete HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
        try socket.send(request)
        usleep(UInt32.random(in: 0...20_000))
        daemon.kill()
        try daemon.start()
        let shown = daemon.ctl("return", "show", id, "--json").out
        let stocked = daemon.ctl("unit", "list", "--status", "in_stock", "--all", "--csv").out
            .split(whereSeparator: \.isNewline).filter { $0.hasPrefix("U-") }.count
        #expect(stocked == (shown.contains("\"status\":\"completed\"") ? items.count : 0))
        #expect(daemon.ctl("audit", "verify").status == 0)
        if stocked == 0 { #expect(daemon.ctl("return", "complete", id, "--yes").status == 0) }
        #expect(daemon.ctl("return", "complete", id, "--yes").status == 1)
        #expect(daemon.ctl("audit", "verify").status == 0)
    }

    @Test func aPhotoThatWasAnsweredSurvivesAKill() throws {
        let daemon = try Daemon()
        let (id, items) = try prepare(daemon, units: 1)
        let picture = daemon.directory + "/odd name; rm -rf ..jpg"
        let png: [UInt8] =
            [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13] + Array("IHDR".utf8)
            + [UInt8](repeating: 1, count: 17) + [0, 0x30, 0, 0] + Array("IDAT".utf8)
            // Three times what other bodies may have.
            + [UInt8](repeating: 2, count: 3 << 20 | 4)
            + [0, 0, 0, 0] + Array("IEND".utf8) + [1, 2, 3, 4]
        try Data(png).write(to: URL(filePath: picture))
        #expect(daemon.ctl("return", "photo", "add", id, items[0], picture).status == 0)
        daemon.kill()
        // What a stop between file and event leaves.
        let stray = daemon.directory + "/photos/" + String(repeating: "0", count: 64)
        try Data([1]).write(to: URL(filePath: stray))
        try daemon.start()
        try wait(for: "the sweep") { access(stray, F_OK) != 0 }
        let list = daemon.ctl("return", "photo", "list", id, items[0], "--json").out
        let answer = try JSONSerialization.jsonObject(with: Data(list.utf8)) as? [String: Any]
        let photo = try #require((answer?["items"] as? [[String: Any]])?.first?["id"] as? String)
        let copy = daemon.directory + "/copy.png"
        #expect(daemon.ctl("return", "photo", "fetch", id, items[0], photo, "-o", copy).status == 0)
        #expect(FileManager.default.contents(atPath: copy).map { [UInt8]($0) } == png)
        #expect(daemon.ctl("audit", "verify").status == 0)
    }
}
