import ControlAPI
import Testing
import Tracking

@Suite("Streams of events", .serialized)
struct EventStreamTests {
    /// A shop with one unit of each of two teams.
    private func shop() async throws -> Shop {
        let shop = try await Shop(site: Site.small)
        for (order, team, serial) in [("1", "smt", "S-1"), ("2", "finish", "F-1")] {
            _ = await shop.ask(
                "ada", "POST", "/v1/work-orders",
                ["number": .string(order), "product": "PCB-100", "quantity": 9, "team": .string(team)])
            _ = await shop.ask("ada", "POST", "/v1/work-orders/\(order)/release")
            let made = await shop.ask(
                "ada", "POST", "/v1/units",
                ["product": "PCB-100", "serials": [.string(serial)], "work_order": .string(order)])
            try #require(made.status == 201)
        }
        return shop
    }

    @Test("history and what is new come by one way, each event once, in order")
    func resume() async throws {
        let shop = try await shop()
        let all = try await shop.events("ada", "/v1/events", lastEvent: "0") {
            _ = await shop.ask("ada", "POST", "/v1/units/S-1/hold", ["note": "last"])
        } until: {
            $0.name == "unit.held"
        }
        #expect(all.map(\.id) == Array(1...all.count), "from the first event on, without a gap")
        #expect(all.allSatisfy { $0.data["event"] == .string(String($0.id)) && $0.data["kind"] == .string($0.name) })
        #expect(all.last?.data["note"] == "last" && all.last?.data["after"]?["on_hold"] == true)

        let middle = all[3]
        let rest = try await shop.events("ada", "/v1/events", lastEvent: "\(middle.id)", until: { $0.id == all.count })
        #expect(rest == Array(all[4...]))
        for wrong in ["", "x", "-1", "1e3"] {
            #expect(await shop.ask("ada", "GET", "/v1/events", lastEvent: wrong).status == 400, "\(wrong)")
        }
    }

    @Test("without Last-Event-ID a stream begins with what is new, and filters hold")
    func live() async throws {
        let shop = try await shop()
        let events = try await shop.events("lena", "/v1/events?kind=unit&unit=S-1") {
            _ = await shop.ask("ada", "POST", "/v1/units/F-1/hold", ["note": "other team"])
            _ = await shop.ask("ada", "POST", "/v1/units/S-1/hold", ["note": "x"])
            _ = await shop.ask("ada", "POST", "/v1/units/S-1/release", ["note": "y"])
        } until: {
            $0.name == "unit.released"
        }
        #expect(events.map(\.name) == ["unit.held", "unit.released"])
        let atStation = try await shop.events("ada", "/v1/events?station=ASSY-1") {
            try await shop.scan("ASSY-1", "S-1")
        } until: { _ in
            true
        }
        #expect(atStation.map(\.name) == ["unit.passed"])
    }

    @Test("a stream of many pages loses nothing, also for one who sees little of it")
    func manyPages() async throws {
        let shop = try await shop()
        for batch in 0..<5 {
            let serials = (0..<300).map { JSONValue.string("B\(batch)-\($0)") }
            let made = await shop.ask(
                "ada", "POST", "/v1/units/receive", ["product": "PCB-100", "serials": .array(serials), "note": "x"])
            try #require(made.status == 201)
        }
        _ = await shop.ask("ada", "POST", "/v1/units/S-1/hold", ["note": "end"])
        let all = try await shop.events("ada", "/v1/events", lastEvent: "0", until: { $0.name == "unit.held" })
        #expect(all.map(\.id) == Array(1...all.count) && all.count > 1_500)
        let few = try await shop.events("lena", "/v1/events", lastEvent: "0", until: { $0.name == "unit.held" })
        #expect(few.contains { $0.data["unit"] == "S-1" } && !few.contains { $0.text.contains("B0-") })
    }

    @Test("rights are decided anew for each event, and a stream ends with the last right")
    func rightsWhileStreaming() async throws {
        let shop = try await shop()
        let events = try await shop.events("luis", "/v1/events") {
            _ = await shop.ask("ada", "POST", "/v1/units/F-1/hold", ["note": "seen"])
            _ = await shop.ask("ada", "PATCH", "/v1/teams/finish", ["lead": .null])
            _ = await shop.ask("ada", "PATCH", "/v1/people/luis", ["role": "member"])
            _ = await shop.ask("ada", "POST", "/v1/units/F-1/release", ["note": "not seen"])
            _ = await shop.ask("ada", "PATCH", "/v1/people/luis", ["retired": true])
        } until: { _ in
            false
        }
        // What was recorded before a right went may come too late for it, but nothing comes after it.
        #expect(!events.contains { $0.data["note"] == "not seen" })
        let former = try await shop.events("former", "/v1/events") {
        } until: { _ in
            true
        }
        #expect(former.isEmpty, "no person, and no admin any more")
    }

    @Test("a station's watch shows each scan to those who may see the unit")
    func watch() async throws {
        let shop = try await shop()
        func watched(_ login: String, count: Int, _ act: () async throws -> Void) async throws -> [StreamedEvent] {
            var seen = 0
            return try await shop.events(login, "/v1/stations/ASSY-1/watch", during: act) { _ in
                seen += 1
                return seen == count
            }
        }
        let lead = try await watched("lena", count: 2) { try await shop.scan("ASSY-1", "S-1", "F-1") }
        #expect(lead.map(\.name) == ["scan", "scan"])
        #expect(
            lead[0].data["serial"] == "S-1" && lead[0].data["next"] == "testing" && lead[0].data["result"] == "accepted"
        )
        #expect(
            lead[1].data == [
                "at": lead[1].data["at"] ?? "", "message": "a unit outside your scope", "result": "accepted",
                "station": "ASSY-1",
            ])
        let admin = try await watched("ada", count: 1) { try await shop.scan("ASSY-1", "F-1") }
        #expect(admin[0].data["serial"] == "F-1" && admin[0].data["reason"] == "wrong_stage")
        let member = try await watched("mia", count: 2) {
            try await shop.scan("ASSY-1", "F-1")
            _ = await shop.ask("mia", "POST", "/v1/stations/ASSY-1/scans", ["code": "S-1"])
        }
        #expect(!member[0].text.contains("F-1") && member[1].data["serial"] == "S-1")
        #expect(await shop.ask("tom", "GET", "/v1/stations/ASSY-1/watch").status == 404)
    }

    @Test("the watch of a bench does not name a unit of another team on it")
    func watchBench() async throws {
        let shop = try await shop()
        try await shop.scan("ASSY-1", "S-1", "F-1")
        let events = try await shop.events("luis", "/v1/stations/TEST-1/watch") {
            try await shop.scan("TEST-1", "S-1", "F-1")
        } until: {
            $0.data["reason"] == "bench_busy"
        }
        #expect(events.count == 2 && events[1].data["serial"] == "F-1")
        for event in events { #expect(!event.text.contains("S-1"), "\(event.text)") }
    }
}
