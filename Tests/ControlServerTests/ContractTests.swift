import ControlAPI
import Foundation
import Testing
import Tracking

@testable import ControlServer

@Suite("The document says what is enforced", .serialized)
struct ContractTests {
    /// Schemas of all that comes in, by where it stands.
    private func incoming() throws -> [(place: String, schema: JSONValue)] {
        let document = try JSONValue(json: Control.openAPIBytes)
        var found: [(place: String, schema: JSONValue)] = []
        for (path, methods) in document["paths"]?.object ?? [:] {
            for (method, operation) in methods.object ?? [:] {
                let route = "\(method.uppercased()) \(path)"
                for parameter in operation["parameters"]?.array ?? [] {
                    found.append(("\(route) \(parameter["name"]?.string ?? "")", try #require(parameter["schema"])))
                }
                if let body = operation["requestBody"]?["content"]?["application/json"]?["schema"] {
                    found.append(("\(route) body", body))
                }
            }
        }
        return found
    }

    /// Calls a function with each schema within one that describes a single value or a list.
    private func forEachLeaf(_ schema: JSONValue, _ place: String, _ body: (JSONValue, String) -> Void) {
        for alternative in schema["anyOf"]?.array ?? [] where alternative["type"] != nil && schema["type"] == nil {
            forEachLeaf(alternative, place, body)
        }
        switch schema["type"]?.string {
        case "object":
            for (key, value) in schema["properties"]?.object ?? [:] { forEachLeaf(value, "\(place).\(key)", body) }
        case "array":
            body(schema, place)
            if let items = schema["items"] { forEachLeaf(items, place + "[]", body) }
        case "null", nil: break
        default: body(schema, place)
        }
    }

    @Test("every field of a request and every parameter has its limits")
    func bounded() throws {
        var count = 0
        for (place, schema) in try incoming() {
            forEachLeaf(schema, place) { leaf, place in
                count += 1
                switch leaf["type"]?.string {
                case "string":
                    let isBounded = leaf["minLength"] != nil && leaf["maxLength"] != nil
                    #expect(
                        isBounded || leaf["enum"] != nil || leaf["format"] != nil || leaf["anyOf"] != nil, "\(place)")
                case "integer", "number": #expect(leaf["minimum"] != nil && leaf["maximum"] != nil, "\(place)")
                default: break
                }
            }
        }
        #expect(count > 250, "\(count)")
    }

    @Test("what a rule limits, the request is refused by, and the document names, all from one constant")
    func constants() throws {
        let places = Dictionary(try incoming().map { ($0.place, $0.schema) }, uniquingKeysWith: { first, _ in first })
        func body(_ route: String, _ field: String) throws -> JSONValue {
            try #require(places["\(route) body"]?["properties"]?[field], "\(route) \(field)")
        }
        let quantity = try body("POST /v1/work-orders", "quantity")
        #expect(quantity["minimum"] == 1 && quantity["maximum"] == .int(Limits.ordered.upperBound))
        let serials = try body("POST /v1/units", "serials")
        #expect(serials["minItems"] == 1 && serials["maxItems"] == .int(Limits.listed.upperBound))
        #expect(serials["uniqueItems"] == true && serials["items"]?["maxLength"] == 64)
        let note = try body("POST /v1/units/{serial}/hold", "note")
        #expect(note["maxLength"] == .int(TextForm.note.length.upperBound) && note["minLength"] == 1)
        #expect(note["pattern"] == TextForm.note.pattern.map(JSONValue.string))
        let change = try body("POST /v1/products/{code}/adjustments", "change")
        #expect(change["minimum"] == .int(Limits.change.lowerBound) && change["not"]?["const"] == 0)
        let price = try body("POST /v1/units/{serial}/write-off", "price")
        #expect(price["maximum"] == .int(Limits.amount) && price["multipleOf"] == 0.0001)
        #expect(try body("POST /v1/webhooks", "kinds")["minItems"] == 1)
        #expect(places["GET /v1/units Idempotency-Key"] == nil)
        #expect(places["POST /v1/units Idempotency-Key"]?["pattern"] != nil)
        #expect(places["GET /v1/units limit"]?["maximum"] == 1_000)
        #expect(places["GET /v1/units/{serial} serial"]?["maxLength"] == 64)
        let adjustment = places["POST /v1/products/{code}/adjustments body"]
        #expect(adjustment?["allOf"]?.array?.first?["oneOf"]?.array?.count == 2)
    }

    @Test("a form holds for what its regular expression matches, and for nothing else")
    func forms() throws {
        let forms: [TextForm] = [
            .serial, .orderNumber, .badge, .code, .station, .stage, .login, .id, .line, .note, .filter, .webhook,
            .idempotencyKey,
        ]
        let samples = [
            "", " ", "A", "a", "1", "a1", "1a", "a.b", "a-b", "a_b", "a b", "TRV:", "TRV:PASS", "trv:pass", "ATRV:",
            "B-1",
            "\u{E9}", "a\u{A0}", "\u{A0}", "\u{3000}\u{2028}", "a\u{202E}b", "a\u{7F}", "a\tb", "\u{FEFF}", "http://a",
            "https://", "ftp://a", "^XA~JA", "_a", "-a", "\u{1F6AB}", "~", "!", "\u{85}", "x\u{0}",
        ]
        for form in forms {
            // For ICU the `$` of ECMA-262 is `\z`: also what ends a line is a character.
            let pattern = try form.pattern.map {
                try NSRegularExpression(pattern: $0.hasSuffix("$") ? $0.dropLast() + "\\z" : $0)
            }
            for sample in samples {
                let fits = form.length.contains(sample.unicodeScalars.count)
                let whole = NSRange(sample.startIndex..., in: sample)
                let matches = pattern.map { $0.firstMatch(in: sample, range: whole) != nil } ?? true
                #expect(form.holds(sample) == (fits && matches), "\(form.words): \(sample.debugDescription)")
            }
            let most = String(repeating: "7", count: form.length.upperBound)
            if form.holds("7") { #expect(form.holds(most) && !form.holds(most + "7"), "\(form.words)") }
        }
        for value in UInt32(0)...0x2_FFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            #expect(TextForm.line.allows(scalar) != scalar.isUnsafeToShow, "U+\(String(value, radix: 16))")
        }
    }

    @Test("a note is counted in characters, as the document says")
    func notes() async throws {
        let shop = try await Shop(site: Site.small)
        _ = await shop.ask(
            "ada", "POST", "/v1/units/receive", ["product": "PCB-100", "serials": ["A-1"], "note": "n"])
        func hold(_ note: String) async -> Answer {
            await shop.ask("ada", "POST", "/v1/units/A-1/hold", ["note": .string(note)])
        }
        let long = await hold(String(repeating: "\u{E9}", count: 2_001))
        #expect(long.status == 400)
        #expect(
            long["detail"] == "`note` has 2,001 characters: expected a text of 1 to 2,000 characters, not only spaces")
        #expect(await hold(String(repeating: "\u{E9}", count: 2_000)).status == 200)
    }

    @Test("each list and report refuses a period that ends before it begins, in the same words")
    func periods() async throws {
        let shop = try await Shop(site: Site.small)
        var count = 0
        for route in Control.table.routes where route.query.contains(where: { $0.name == "from" }) {
            count += 1
            for (from, to) in [
                ("2026-03-03", "2026-03-02"), ("2026-03-02T08:00:00Z", "2026-03-02T08:00:00Z"),
                ("2026-03-03", "2026-03-02T08:00:00Z"),
            ] {
                let answer = await shop.ask("ada", "GET", "\(route.template)?from=\(from)&to=\(to)")
                #expect(answer.status == 400 && answer.code == "invalid_argument", "\(route.template): \(answer.text)")
                let right = "`to` (\(to)) is not after `from` (\(from)): expected a period that ends after it begins"
                #expect(answer["detail"] == .string(right), "\(route.template)")
            }
            let day = await shop.ask("ada", "GET", "\(route.template)?from=2026-03-02&to=2026-03-02")
            #expect(day.status == 200, "\(route.template): \(day.text)")
        }
        #expect(count > 10)
    }

    @Test("an empty value of a parameter is refused everywhere, with its name")
    func empty() async throws {
        let shop = try await Shop(site: Site.small)
        var count = 0
        for route in Control.table.routes where !route.query.isEmpty && !route.template.contains("{") {
            for parameter in route.query {
                count += 1
                let answer = await shop.ask("ada", route.method.rawValue, "\(route.template)?\(parameter.name)=")
                #expect(answer.status == 400, "\(route.template) \(parameter.name)")
                #expect(
                    answer["detail"]?.string?.hasPrefix("`\(parameter.name)` is empty: expected ") == true,
                    "\(route.template): \(answer.text)")
            }
        }
        #expect(count > 100)
    }

    @Test("a filter takes each of its words in each spelling, and the words are those that are shown")
    func words() async throws {
        let shop = try await Shop(site: Site.small)
        var count = 0
        for route in Control.table.routes where route.method == .get && !route.template.contains("{") {
            for parameter in route.query {
                guard case .word(let words, let spellings) = parameter.shape else { continue }
                #expect(Set(spellings.values) == Set(words))
                for spelling in spellings.keys {
                    count += 1
                    let target = "\(route.template)?\(parameter.name)=\(percentEncoded(spelling))"
                    let answer = await shop.ask("ada", "GET", target)
                    #expect(answer.status == 200, "\(target): \(answer.text)")
                }
            }
        }
        #expect(count > 80)
        // The log of scans shows two words beside those of scans, and the audit log kinds of events.
        for target in [
            "/v1/scans?result=connected", "/v1/scans?result=disconnected", "/v1/audit?kind=unit.supplier%20repaired",
        ] {
            #expect(await shop.ask("ada", "GET", target).items == [], "\(target)")
            #expect(await shop.ask("ada", "GET", target).status == 200, "\(target)")
        }
        #expect(ReturnCondition(spelling: "used") == .good && ReturnCondition(spelling: "unused") == .new)
        #expect(ReturnCondition(spelling: "destroyed") == .unsellable && Status(spelling: "in stock") == .inStock)
        #expect(Status(spelling: "stocked") == nil)
    }

    @Test("a refund policy and return locations take the second words of conditions")
    func siteFile() async throws {
        let shop = try await Shop()
        let site = """
            people: [{ login: ada, name: Ada, role: admin }]
            settings:
              timezone: UTC
              return_locations: { used: SHELF-2 }
              refund_policy: { conditions: { unused: 90, used: 40 } }
            """
        #expect(await shop.ask("root", "PUT", "/v1/site", body: Array(site.utf8)).status == 200)
        let export = await shop.ask("root", "GET", "/v1/site").text
        #expect(export.contains("good: SHELF-2") && export.contains("new: 90"), "\(export)")
        let both = site.replacing("unused: 90", with: "good: 30")
        let answer = await shop.ask("root", "PUT", "/v1/site", body: Array(both.utf8))
        #expect(answer.status == 400)
        #expect(answer["detail"]?.string?.contains("used is another word for good; keep one of them") == true)
    }

    @Test("a site file that says nothing is refused, whatever it says it with: it would retire everything")
    func emptySiteFile() async throws {
        let shop = try await Shop(site: Site.small)
        for text in ["", " \n", "# nothing\n", "---\n", "null\n", "~"] {
            let answer = await shop.ask("ada", "PUT", "/v1/site", body: Array(text.utf8))
            #expect(answer.status == 400, "\(text.debugDescription)")
            #expect(answer["detail"]?.string?.hasPrefix("cannot use an empty site file") == true, "\(answer.text)")
        }
        #expect(await shop.ask("ada", "POST", "/v1/site/plan", body: Array("{}".utf8)).status == 200)
    }

    @Test("keys that belong together are asked for together")
    func needs() async throws {
        let shop = try await Shop(site: Site.small)
        for (target, body, detail) in [
            (
                "/v1/products/RES-10K/adjustments", ["change": 1, "serials": ["A"], "note": "n"],
                "the body names `change` and `serials`: expected `change`, or `serials`"
            ),
            (
                "/v1/deliveries", ["order": "S-1"],
                "the body names none of `serials`, `items`: expected at least one of them"
            ),
            (
                "/v1/returns",
                ["order": "S-1", "kind": "return", "reason": "other", "items": [["serial": "A", "quantity": 1]]],
                "`items[0]` names `quantity` and `serial`: expected `serial`, or `product` and `quantity`"
            ),
            (
                "/v1/units/A/write-off", ["reason": "lost", "price": 1, "note": "n"],
                "the body has a `price`: expected one only where `reason` is outlet_sale"
            ),
            (
                "/v1/returns/1/items/2/inspection", ["condition": "destroyed", "decision": "restock"],
                "the body names the decision restock: expected another one where `condition` is unsellable"
            ),
            (
                "/v1/units/receive", ["product": "PCB-100", "serials": ["A", "B"], "replaces": "C", "note": "n"],
                "the body names 2 `serials`: expected one where `replaces` is there"
            ),
            ("/v1/products/RES-10K/adjustments", ["change": 0, "note": "n"], "`change` is 0: expected a whole number"),
            (
                "/v1/units", ["product": "PCB-100", "serials": ["A", "A"]],
                "`serials` names \"A\" twice: expected each one once"
            ),
            ("/v1/units", ["product": "PCB-100", "serials": []], "`serials` is empty: expected a list of 1 to 10,000"),
        ] as [(String, JSONValue, String)] {
            let answer = await shop.ask("ada", "POST", target, body)
            #expect(answer.status == 400 && answer.code == "invalid_argument", "\(target)")
            #expect(answer["detail"]?.string?.hasPrefix(detail) == true, "\(target): \(answer.text)")
        }
        let key = String(repeating: "k", count: 100_000)
        let echoed = await shop.ask("ada", "POST", "/v1/units", .object([key: 1]))
        #expect(echoed.status == 400 && echoed.bytes.count < 2_000, "a long key is not sent back whole")
    }
}
