import ControlAPI
import ControlServer
import FoundationEssentials
import Ledger
import Testing

@Suite("Status, metrics, back-up and verification", .serialized)
struct SystemTests {
    @Test("the status says what to do next")
    func status() async throws {
        let shop = try await Shop()
        shop.wait(60_000)
        let first = await shop.ask("root", "GET", "/v1/status")
        #expect(first["next"] == ["Apply a site file: travelerctl site apply FILE"] && first["role"] == "admin")
        #expect(first["version"] == "1.2.3" && first["started_at"] == "2026-03-02T08:00:00.000Z")
        #expect((first["uptime_seconds"]?.int ?? 0) >= 60)
        #expect(first["problems"] == [])
        _ = await shop.ask("root", "PUT", "/v1/site", body: Array(Site.small.utf8))
        let member = await shop.ask("mia", "GET", "/v1/status")
        #expect(member["site"] == true && member["problems"] == [] && member["role"] == "member")
    }

    @Test("who am I")
    func whoami() async throws {
        let shop = try await Shop(site: Site.small)
        for (login, scope, role) in [
            ("ada", "all", "admin"), ("root", "all", "admin"), ("dora", "department", "department_lead"),
            ("lena", "team", "team_lead"), ("mia", "own", "member"),
        ] {
            let answer = await shop.ask(login, "GET", "/v1/whoami")
            #expect(
                answer["login"] == .string(login) && answer["scope"] == .string(scope)
                    && answer["role"] == .string(role))
        }
    }

    @Test("what I see and may do, in the words of the routes")
    func rights() async throws {
        let shop = try await Shop(site: Site.small)
        func may(_ login: String) async -> [String] {
            let answer = await shop.ask(login, "GET", "/v1/whoami")
            return (answer["may"]?.array ?? []).compactMap { $0["verb"]?.string }
        }
        #expect(await may("mia") == ["see", "scan"])
        #expect(await may("ada").contains("administer"))
        #expect(await may("luis").contains("deliver"))
        let lead = await shop.ask("dora", "GET", "/v1/whoami")
        #expect(lead["teams"] == ["finish", "smt"] && lead["department"] == "electronics")
        #expect(lead["sees"]?.array?.first == "what belongs to the teams finish, smt")
        // What is listed is what routes ask for: every route that a caller may use, and no other.
        let paths = await shop.ask("ada", "GET", "/v1/openapi.json")["paths"]?.object ?? [:]
        let asked = Set(paths.flatMap { $0.value.object ?? [:] }.flatMap { $0.value["x-verbs"]?.array ?? [] })
        #expect(asked.isSubset(of: Set(await may("ada").map(JSONValue.string))))
    }

    @Test("who is sent away is told which right is missing, by routes and by commands")
    func missingRight() async throws {
        let shop = try await Shop(site: Site.small)
        for (login, method, target, body, missing) in [
            ("mia", "POST", "/v1/deliveries", ["order": "SO-1"], "the right deliver;"),
            ("mia", "GET", "/v1/reports/wip", nil, "the role department_lead or team_lead;"),
            ("mia", "GET", "/v1/defects", nil, "the right defects:mark or defects:manage, or the role"),
            ("dora", "GET", "/v1/people", nil, "the role admin;"),
            ("dora", "POST", "/v1/stations/TEST-1/scans", ["code": "x"], "the role team_lead or member;"),
            ("mia", "GET", "/v1/products?low_stock=true", nil, "the right stock:adjust;"),
            ("mia", "GET", "/v1/customers", nil, "the right returns:manage or returns:inspect, or the role"),
        ] as [(String, String, String, JSONValue?, String)] {
            let answer = await shop.ask(login, method, target, body)
            #expect(answer.status == 403 && answer.code == "permission_denied", "\(target)")
            #expect(answer["detail"]?.string?.contains(missing) == true, "\(target): \(answer.text)")
        }
    }

    @Test("metrics are OpenMetrics text with what happened at stations too")
    func metrics() async throws {
        let shop = try await Shop(site: Site.small)
        try await shop.scan("ASSY-1", "NONE-1", "NONE-2", "1007")
        let answer = await shop.ask("ada", "GET", "/v1/metrics")
        #expect(answer.text.hasSuffix("# EOF\n"))
        #expect(answer.text.contains("traveler_scans_total{result=\"refused\"} 2\n"))
        #expect(answer.text.contains("traveler_scans_total{result=\"accepted\"} 1\n"))
        #expect(answer.text.contains("traveler_info{version=\"1.2.3\"} 1\n"))
        for line in answer.text.split(separator: "\n") where !line.hasPrefix("#") {
            #expect(line.split(separator: " ").last.flatMap { Double($0) } != nil, "\(line)")
        }
        #expect(!answer.text.contains("process_resident_memory_bytes 0\n"))
    }

    @Test("a back-up is the ledger, and leaves nothing behind")
    func backup() async throws {
        let shop = try await Shop(site: Site.small)
        _ = await shop.ask("ada", "POST", "/v1/units/receive", ["product": "PCB-100", "serials": ["B-1"], "note": "x"])
        let answer = await shop.ask("ada", "GET", "/v1/backup")
        guard case .stream(let body) = answer.response.body else {
            Issue.record("a back-up is streamed")
            return
        }
        let (pieces, piece) = AsyncStream.makeStream(of: [UInt8].self)
        try await body { piece.yield($0) }
        piece.finish()
        var bytes: [UInt8] = []
        for await piece in pieces { bytes += piece }
        #expect(bytes.starts(with: Array("SQLite format 3".utf8)))
        let left = try FileManager.default.contentsOfDirectory(atPath: shop.directory)
        #expect(left.allSatisfy { $0.hasPrefix(Ledger.fileName) }, "\(left)")

        let directory = shop.directory + "/copy"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        try Data(bytes).write(to: URL(filePath: directory + "/" + Ledger.fileName))
        let copy = try Ledger(directory: directory)
        #expect(copy.plant == shop.ledger.plant)
        copy.close()
    }

    @Test("an audit of a sound ledger finds nothing")
    func verify() async throws {
        let shop = try await Shop(site: Site.small)
        try await shop.scan("ASSY-1", "NONE-1")
        let answer = await shop.ask("ada", "POST", "/v1/audit/verify")
        #expect(answer["ok"] == true && answer["events"] == 2 && answer["problem"] == nil, "\(answer.text)")
    }

    @Test("what can't be written is said: to the operator as a refused scan, to others as not now")
    func storageTrouble() async throws {
        let shop = try await Shop(site: Site.small)
        // A ledger that takes nothing more.
        shop.ledger.close()
        let scan = await shop.ask("mia", "POST", "/v1/stations/ASSY-1/scans", ["code": "1007"])
        #expect(scan.status == 200 && scan["result"] == "refused" && scan["reason"] == "storage_full")
        #expect(scan["message"]?.string?.isEmpty == false && scan["station"] == "ASSY-1" && !scan.text.contains("1007"))
        let change = await shop.ask("ada", "POST", "/v1/products/RES-10K/adjustments", ["change": 1, "note": "x"])
        #expect(change.status == 503 && change.code == "unavailable")
        #expect(await shop.ask("eve", "GET", "/v1/status").status == 403, "also where that can't be put on record")
        #expect(await shop.ask("ada", "GET", "/v1/units").status == 200, "reading goes on")
    }
}
