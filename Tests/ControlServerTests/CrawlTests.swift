import ControlAPI
import FoundationEssentials
import Synchronization
import Testing

@testable import ControlServer

/// Every route that reads, as everybody, with everything it can be asked by: what lies outside the scope is nowhere in the
/// bytes that come, and asking by its name tells no more than asking by a name that nothing has.
@Suite("A crawl of all that can be read", .serialized)
struct CrawlTests {
    /// What things are asked by that others own: of each kind, and of two teams.
    static let asked = [
        "SMTZQ1X", "SMTZQBADX", "SMTZQWOX", "SMTZQSOX", "SMTZQNOTEX", "SMTZQRMAX", "FINZQ1X", "DSKZQSOLDX", "BUYERZQX",
        "SUPPLIERZQX", "ZQX",
    ]
    /// A name that nothing has, of each form.
    private static let nothing = "NONE"

    /// Values for a place in a path, and one that names nothing.
    private static func values(_ name: String, _ route: Route, head: Int) -> (known: [String], none: String) {
        switch (name, route.segments.first) {
        case ("code", .literal("products")?): (["BRD", "PAT"], nothing)
        case ("code", _): (["SUPPLIERZQX", "smt", "desk", "electronics"], nothing)
        case ("login", _): (["lena", "mia", "SMTZQPERX"], nothing)
        case ("serial", _), ("number", _), ("name", _), ("station", _): (Marked.names, nothing)
        default: ((1...head).map(String.init), "999999")
        }
    }

    /// What a parameter of a query can be asked by, but for the parameters of every list.
    private static func values(_ parameter: Route.Parameter) -> [String] {
        if ["limit", "cursor", "total", "order", "from", "to"].contains(parameter.name) { return [] }
        return switch parameter.shape {
        case .word(let words, _), .choice(let words): words
        case .flag: ["true", "false"]
        default: asked
        }
    }

    /// The marked plant with a case of one team that went to the supplier, a new person, and somebody who was sent away.
    private func shop() async throws -> Shop {
        let shop = try await Marked.shop()
        func must(_ method: String, _ target: String, _ body: JSONValue) async throws {
            let answer = await shop.ask("ada", method, target, body)
            try #require(answer.status < 300, "\(method) \(target): \(answer.text)")
        }
        let found = try #require(await shop.ask("ada", "GET", "/v1/units/SMTZQBADX")["defect_case"]?.string)
        try await must("PATCH", "/v1/defects/\(found)", ["location": "SMTZQLOCX"])
        try await must(
            "POST", "/v1/defects/route",
            ["cases": [.string(found)], "supplier": "SUPPLIERZQX", "rma": "SMTZQRMAX", "note": "SMTZQSENTX"])
        try await must("POST", "/v1/people", ["login": "SMTZQPERX", "name": "P", "role": "member", "team": "smt"])
        #expect(await shop.ask("STRANGERZQX", "GET", "/v1/units").status == 403)
        return shop
    }

    @Test("shows nothing of what lies outside the scope", arguments: ScopeTests.sights)
    func crawl(_ sight: ScopeTests.Sight) async throws {
        let shop = try await shop()
        let head = try #require(await shop.ask("ada", "GET", "/v1/status")["head"]?.int)
        let reader = Reader(shop: shop, login: sight.login)
        for route in Self.routes where route.segments.contains(where: \.isParameter) {
            await crawlThings(route, sight, head, reader)
        }
        for route in Self.routes where !route.segments.contains(where: \.isParameter) {
            try await crawlList(route, sight, reader)
        }
        #expect(reader.texts.count > 500, "\(sight.login)")
    }

    @Test("is the same to the byte, whatever happens outside the scope", arguments: ScopeTests.sights)
    func noninterference(_ sight: ScopeTests.Sight) async throws {
        let shop = try await shop()
        // Nobody but one department lead has anything to do with the mill.
        let team = sight.login == "mo" ? "smt" : "mill"
        func must(_ method: String, _ target: String, _ body: JSONValue? = nil) async throws -> Answer {
            let answer = await shop.ask("ada", method, target, body)
            try #require(answer.status < 300, "\(method) \(target): \(answer.text)")
            return answer
        }
        func crawlLists() async throws -> [String: String] {
            let reader = Reader(shop: shop, login: sight.login)
            for route in Self.routes where !route.segments.contains(where: \.isParameter) {
                // The daemon's own figures are nobody's.
                if ["/v1/status", "/v1/metrics"].contains(route.template) { continue }
                try await crawlList(route, sight, reader)
            }
            return reader.texts
        }
        let before = try await crawlLists()
        _ = try await must(
            "POST", "/v1/work-orders", ["number": "NEWZQ", "product": "BRD", "quantity": 9, "team": .string(team)])
        _ = try await must("POST", "/v1/work-orders/NEWZQ/release")
        _ = try await must(
            "POST", "/v1/units", ["product": "BRD", "serials": ["NEWZQ1", "NEWZQ2", "NEWZQ3"], "work_order": "NEWZQ"])
        _ = try await must("POST", "/v1/units/NEWZQ1/hold", ["note": "NEWZQ"])
        let found = try await must("POST", "/v1/defects", ["serials": ["NEWZQ2"], "reason": "NEWZQ", "note": "NEWZQ"])
        let id = try #require(found["id"]?.string)
        _ = try await must("POST", "/v1/defects/\(id)/inspect", ["repairable": 0, "non_repairable": 1])
        _ = try await must("POST", "/v1/defects/\(id)/write-off", ["reason": "scrap", "note": "NEWZQ"])
        _ = try await must("POST", "/v1/units/NEWZQ3/write-off", ["reason": "lost", "note": "NEWZQ"])
        let after = try await crawlLists()
        #expect(before.count == after.count && before.count > 100)
        for (target, text) in before {
            #expect(after[target] == text, "\(target) as \(sight.login)")
        }
    }

    private static let routes = Control.table.routes.filter { route in
        if case .events = route.output { return false }
        return route.method == .get
    }

    /// Asks as one caller, and keeps what came.
    private final class Reader: Sendable {
        let shop: Shop
        let login: String
        private let kept = Mutex<[String: String]>([:])
        var texts: [String: String] { kept.withLock { $0 } }

        init(shop: Shop, login: String) { (self.shop, self.login) = (shop, login) }

        func callAsFunction(_ target: String) async -> Answer {
            let answer = await shop.ask(login, "GET", target)
            #expect([200, 400, 403, 404, 409].contains(answer.status), "\(target) as \(login): \(answer.text)")
            kept.withLock { $0[target] = answer.text }
            return answer
        }
    }

    /// What others did to a unit is in its record for those who hold it now.
    private func names(_ sight: ScopeTests.Sight, _ route: Route) -> [String] {
        let isLog = ["inventory-log", "audit", "scans", "history"].contains { route.template.contains($0) }
        return sight.names + (isLog ? sight.past : [])
    }

    private func crawlThings(_ route: Route, _ sight: ScopeTests.Sight, _ head: Int, _ read: Reader) async {
        let (template, own) = (route.template, names(sight, route))
        let first = route.segments.compactMap { if case .parameter(let name) = $0 { name } else { nil } }[0]
        let (known, none) = Self.values(first, route, head: head)
        func target(_ value: String) -> String {
            // An item of a return has one of the numbers behind it, and a photo one behind that.
            let number = Int(value) ?? 0
            return template.replacing("{\(first)}", with: value).replacing("{item}", with: String(number + 1))
                .replacing("{photo}", with: String(number + 2))
        }
        let nothing = await read(target(none))
        for value in known {
            let answer = await read(target(value))
            expectNoMark(in: answer.text, but: own + [value], "\(target(value)) as \(sight.login)")
            guard answer.status == 404 else { continue }
            // Whoever sees an item is told that it has no such photo.
            if template.hasSuffix("/{photo}") {
                let photos = target(value).split(separator: "/").dropLast().map { "/" + $0 }.joined()
                if await read(photos).status == 200 { continue }
            }
            #expect(
                answer["detail"]?.string?.replacing(value, with: none)
                    == nothing["detail"]?.string?.replacing(String(1_000_000), with: String((Int(value) ?? 0) + 1)),
                "\(target(value)) as \(sight.login)")
        }
    }

    private func crawlList(_ route: Route, _ sight: ScopeTests.Sight, _ read: Reader) async throws {
        let own = names(sight, route)
        let isList = route.query.contains { $0.name == "cursor" }
        let all = await read(route.template + (isList ? "?total=true&limit=1000" : ""))
        expectNoMark(in: all.text, but: own, "\(route.template) as \(sight.login)")
        guard all.status == 200 else { return }
        if isList { try await crawlPages(route, all, sight, own, read) }
        for parameter in route.query {
            let total = isList ? "&total=true" : ""
            let nothing = await read("\(route.template)?\(parameter.name)=NONE\(total)")
            for value in Self.values(parameter) {
                let target = "\(route.template)?\(parameter.name)=\(percentEncoded(value))\(total)"
                let answer = await read(target)
                expectNoMark(in: answer.text, but: own + [value], "\(target) as \(sight.login)")
                // A name of somebody else's is as good as none, to the byte: no count, no cursor, no other sentence.
                let isForeign = Self.asked.contains(value) && !own.contains { $0.contains(value) || value.contains($0) }
                if isForeign, !sight.past.contains(where: { $0.contains(value) }) {
                    #expect(answer.text.replacing(value, with: "NONE") == nothing.text, "\(target) as \(sight.login)")
                }
            }
        }
    }

    /// Page by page it is the same as at once, and no cursor names what lies outside.
    private func crawlPages(
        _ route: Route, _ all: Answer, _ sight: ScopeTests.Sight, _ own: [String], _ read: Reader
    ) async throws {
        #expect(all["total"]?.int == all.items.count, "\(route.template) as \(sight.login)")
        var items: [JSONValue] = []
        var cursor: String?
        repeat {
            let place = cursor.map { "&cursor=\(percentEncoded($0))" } ?? ""
            let page = await read("\(route.template)?limit=3\(place)")
            items += page.items
            cursor = page["next_cursor"]?.string
            expectNoMark(in: cursor.map(decoded) ?? "", but: own, "a cursor of \(route.template) as \(sight.login)")
        } while cursor != nil && items.count <= all.items.count
        #expect(items == all.items, "\(route.template) as \(sight.login)")
    }

    /// What a cursor says, in whichever of its two ways it was written.
    private func decoded(_ cursor: String) -> String {
        let digits = Array(cursor)
        let pairs = stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(String(digits[$0...($0 + 1)]), radix: 16) }
        if digits.count.isMultiple(of: 2), !pairs.contains(nil) {
            return String(decoding: pairs.compactMap { $0 }, as: UTF8.self)
        }
        let plain = cursor.replacing("-", with: "+").replacing("_", with: "/")
        let padded = plain + String(repeating: "=", count: (4 - plain.utf8.count % 4) % 4)
        return Data(base64Encoded: padded).map { String(decoding: $0, as: UTF8.self) } ?? cursor
    }
}

extension Route.Segment {
    fileprivate var isParameter: Bool { if case .parameter = self { true } else { false } }
}
