import ControlAPI
import FoundationEssentials
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
        var reads = 0
        func read(_ target: String) async -> Answer {
            reads += 1
            let answer = await shop.ask(sight.login, "GET", target)
            #expect([200, 400, 403, 404, 409].contains(answer.status), "\(target) as \(sight.login): \(answer.text)")
            return answer
        }
        for route in Control.table.routes where route.method == .get {
            if case .events = route.output { continue }
            let template = route.template
            // What others did to a unit is in its record for those who hold it now.
            let isLog = ["inventory-log", "audit", "scans", "history"].contains { template.contains($0) }
            let own = sight.names + (isLog ? sight.past : [])
            let parameters = route.segments.compactMap { segment in
                if case .parameter(let name) = segment { name } else { nil }
            }
            guard let first = parameters.first else {
                try await crawlList(route, sight, own, read)
                continue
            }
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
        #expect(reads > 500, "\(sight.login)")
    }

    private func crawlList(
        _ route: Route, _ sight: ScopeTests.Sight, _ own: [String], _ read: (String) async -> Answer
    ) async throws {
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
        _ route: Route, _ all: Answer, _ sight: ScopeTests.Sight, _ own: [String], _ read: (String) async -> Answer
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
