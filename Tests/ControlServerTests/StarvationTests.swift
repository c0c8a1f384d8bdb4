import ControlAPI
import ControlServer
import Dispatch
import Ledger
import Testing
import Tracking

@Suite("Nobody's lists and replays keep others waiting", .serialized, .timeLimit(.minutes(2)))
struct StarvationTests {
    @Test("there are only so many replays of one person; the next is told to come again")
    func replays() async throws {
        let shop = try await Shop(site: Site.small)
        var open: [Answer] = []
        while open.count < 100 {
            let answer = await shop.ask("ada", "GET", "/v1/events", lastEvent: "0")
            guard answer.status == 200 else {
                #expect(answer.status == 503 && answer.code == "unavailable")
                #expect(answer.text.contains("replays of events") && answer.text.contains("try again"))
                break
            }
            open.append(answer)
        }
        #expect(open.count == 32)
        #expect(await shop.ask("lena", "GET", "/v1/events", lastEvent: "0").status == 200, "others have their own")
        open.removeLast()
        let again = try await shop.events("ada", "/v1/events", lastEvent: "0", until: { _ in true })
        #expect(!again.isEmpty, "one that left makes room")
        // One that has caught up follows what happens, and is no replay any more.
        let last = await shop.ask("ada", "GET", "/v1/events", lastEvent: "0")
        guard case .stream(let body) = last.response.body else {
            Issue.record("no stream")
            return
        }
        #expect(await shop.ask("ada", "GET", "/v1/events", lastEvent: "0").status == 503)
        let following = Task { try await body { _ in } }
        while await shop.ask("ada", "GET", "/v1/events", lastEvent: "0").status != 200 { await Task.yield() }
        following.cancel()
        _ = await following.result
        withExtendedLifetime(open) {}
    }

    @Test("while every lane is stuck, a scan and a look at a unit go on, and what was stuck is served afterwards")
    func lanes() async throws {
        let shop = try await Shop(site: Site.small)
        _ = await shop.ask(
            "ada", "POST", "/v1/units/receive", ["product": "PCB-100", "serials": ["S-1"], "note": "found"])
        let release = DispatchSemaphore(value: 0)
        let stuck = [Pace.list, .report, .replay].flatMap { pace in
            (0..<8).map { _ in Task { try await shop.ledger.read(pace) { _ in release.wait() } } }
        }
        let lists = (0..<8).map { _ in Task { await shop.ask("ada", "GET", "/v1/units?limit=1000") } }
        let report = Task { await shop.ask("ada", "GET", "/v1/reports/wip") }
        #expect(await shop.ask("ada", "GET", "/v1/units/S-1")["serial"] == "S-1")
        #expect(try await shop.scan("ASSY-1", "S-1").serial == "S-1")
        #expect(await shop.ask("ada", "POST", "/v1/stations/ASSY-1/scans", ["code": "S-1"]).status == 200)
        for _ in stuck { release.signal() }
        for task in stuck { try await task.value }
        for list in lists { #expect(await list.value.items.count == 1) }
        #expect(await report.value.status == 200)
    }

    @Test("what many serials made is answered in their order, and again as before for the same key")
    func manySerials() async throws {
        let shop = try await Shop(site: Site.small)
        let serials = (1...200).map { "M-\($0)" }.shuffled()
        let body: JSONValue = ["product": "PCB-100", "serials": .array(serials.map(JSONValue.string)), "note": "found"]
        let first = await shop.ask("ada", "POST", "/v1/units/receive", body, key: "many")
        #expect(first.status == 201 && first.items.map { $0["serial"]?.string } == serials)
        let unit = await shop.ask("ada", "GET", "/v1/units/M-7")
        var shown = unit.json.object ?? [:]
        shown["replaced_by"] = nil
        #expect(first.items.first { $0["serial"] == "M-7" } == .object(shown))
        _ = await shop.ask("ada", "POST", "/v1/units/M-7/hold", ["note": "look"])
        let again = await shop.ask("ada", "POST", "/v1/units/receive", body, key: "many")
        #expect(again.status == 201 && again.bytes == first.bytes, "as before, whatever happened since")
        #expect(await shop.ask("ada", "POST", "/v1/units/receive", body, key: "other").status == 409)
    }
}
