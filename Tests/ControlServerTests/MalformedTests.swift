import ControlAPI
import Testing

@testable import ControlServer

/// Requests that are none: each is refused with a reason, or its connection is closed, and nobody else notices.
@Suite("Malformed requests", .serialized, .timeLimit(.minutes(3)))
struct MalformedTests {
    private static let long = String(repeating: "a", count: 70_000)
    private static func get(_ headers: String) -> String { "GET /v1/whoami HTTP/1.1\r\nHost: x\r\n\(headers)\r\n\r\n" }
    private static func post(_ headers: String, _ body: String = "") -> String {
        "POST /v1/stations/ASSY-1/scans HTTP/1.1\r\nHost: x\r\n\(headers)\r\n\r\n\(body)"
    }
    private static func chunked(_ body: String) -> String { post("Transfer-Encoding: chunked", body) }

    /// What is sent before the client sends no more, and the status that it gets; nil where the connection is just closed.
    static let table: [(String, Int?)] =
        startLines + headers + hosts + lengths + codings + chunks + torn
        // Other protocols.
        + [
            ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}", 400), ("SSH-2.0-OpenSSH_9.9\r\n", 400),
            ("\u{0}\u{1}\u{2}\r\n\r\n", 400), ("{\"code\":\"B-1\"}\r\n", 400), ("EHLO x\r\n\r\n", 400),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400), ("*1\r\n$4\r\nPING\r\n", 400), (long, 400),
        ]

    static let startLines: [(String, Int?)] = [
        ("GET\r\n\r\n", 400), ("GET \r\n\r\n", 400), ("GET /v1/whoami\r\n\r\n", 505),
        ("/v1/whoami HTTP/1.1\r\n\r\n", 400),
        (" GET /v1/whoami HTTP/1.1\r\nHost: x\r\n\r\n", 400), ("get /v1/whoami HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GE T /v1/whoami HTTP/1.1\r\nHost: x\r\n\r\n", 400), ("G\u{0}T /v1/whoami HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("FETCH /v1/whoami HTTP/1.1\r\nHost: x\r\n\r\n", 400), ("GET/v1/whoami HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("\(long) / HTTP/1.1\r\nHost: x\r\n\r\n", 400), ("GET /\(long) HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        ("GET v1/whoami HTTP/1.1\r\nHost: x\r\n\r\n", 400), ("GET \u{0} HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /v1/who\u{0}ami HTTP/1.1\r\nHost: x\r\n\r\n", 400), ("GET /v1/wh o HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /v1/\u{7F} HTTP/1.1\r\nHost: x\r\n\r\n", 400), ("GET /v1/\u{1B}[31m HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /v1/%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400), ("GET /v1/% HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /v1/%C3%28 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET * HTTP/1.1\r\nHost: x\r\n\r\n", 404), ("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        ("TRACE /v1/whoami HTTP/1.1\r\nHost: x\r\n\r\n", 405), ("CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        ("GET //v1/whoami HTTP/1.1\r\nHost: x\r\n\r\n", 404), ("GET /v1/../v1/whoami HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        ("GET ftp://x/v1/whoami HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        ("GET /v1/whoami?%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /v1/whoami HTTP/1.2\r\nHost: x\r\n\r\n", 505), ("GET /v1/whoami HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        ("GET /v1/whoami HTTP/3\r\nHost: x\r\n\r\n", 505), ("GET /v1/whoami HTTP/0.9\r\nHost: x\r\n\r\n", 505),
        ("GET /v1/whoami HTTP/9.9\r\nHost: x\r\n\r\n", 505), ("GET /v1/whoami HTTP/11\r\nHost: x\r\n\r\n", 505),
        ("GET /v1/whoami HTTP/1.1x\r\nHost: x\r\n\r\n", 505), ("GET /v1/whoami HTTP/-1.1\r\nHost: x\r\n\r\n", 505),
        ("GET /v1/whoami http/1.1\r\nHost: x\r\n\r\n", 400), ("GET /v1/whoami HTPP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /v1/whoami ICE/1.0\r\nHost: x\r\n\r\n", 400),
        ("GET /v1/whoami HTTP/1.1\nHost: x\n\n", 505), ("GET /v1/whoami HTTP/1.1\r\nHost: x\n\n", 400),
        ("GET /v1/whoami HTTP/1.1\rHost: x\r\r", 400), ("GET /v1/whoami HTTP/1.1\r\r\n\r\n", 400),
    ]

    static let headers: [(String, Int?)] = [
        (get("X"), 400), (get(": no name"), 400), (get("X : 1"), 400), (get(" X: 1"), 400), (get("X\tY: 1"), 400),
        (get("X\u{0}Y: 1"), 400), (get("X: a\u{0}b"), 400), (get("X: a\u{1B}[2Jb"), 400), (get("X: a\rb"), 400),
        (get("X: a\nInjected: b"), 400), (get("X@Y: 1"), 400), (get("X(Y): 1"), 400), (get("X: a\r\n folded"), 400),
        (get("X: \(long)"), 431), (get("\(long): x"), 431),
        (get((0..<200).map { "X-\($0): 1" }.joined(separator: "\r\n")), 431),
        (get((0..<60).map { "X-\($0): \(long.prefix(1_000))" }.joined(separator: "\r\n")), 431),
        (get("Expect: the impossible"), 417), (get("Expect: 100-continue\r\nExpect: 100-continue"), 400),
        (post("Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: 2", "{}"), 400),
        (post("Idempotency-Key: a b\r\nContent-Length: 12", "{\"code\":\"1\"}"), 400),
        ("GET /v1/events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 1\r\nLast-Event-ID: 2\r\n\r\n", 400),
        ("GET /v1/events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: -1\r\n\r\n", 400),
    ]

    static let hosts: [(String, Int?)] = [
        ("GET /v1/whoami HTTP/1.1\r\n\r\n", 400), (get("Host: x"), 400), (get("host: y"), 400),
        ("GET /v1/whoami HTTP/1.1\r\nHost: a/b\r\n\r\n", 400), ("GET /v1/whoami HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET /v1/whoami HTTP/1.1\r\nHost: a,b\r\n\r\n", 400), ("GET /v1/whoami HTTP/1.1\r\nHost: user@x\r\n\r\n", 400),
        ("GET /v1/whoami HTTP/1.1\r\nHost: \u{E9}\r\n\r\n", 400),
    ]

    static let lengths: [(String, Int?)] = [
        (post("Content-Length: -1"), 400), (post("Content-Length: +1", "x"), 400),
        (post("Content-Length: 1.0", "x"), 400),
        (post("Content-Length: 0x1", "x"), 400), (post("Content-Length: one", "x"), 400),
        (post("Content-Length:"), 400),
        (post("Content-Length: 1 1", "x"), 400), (post("Content-Length: 1,1", "x"), 400),
        (post("Content-Length: 1\r\nContent-Length: 2", "xx"), 400),
        (post("Content-Length: 1\r\nContent-Length: 1", "x"), 400),
        (post("Content-Length: 99999999999999999999999999", "x"), 400),
        (post("Content-Length: 18446744073709551616", "x"), 400),
        (post("Content-Length: 9223372036854775807", "x"), 413),
        (post("Content-Length: 2000000", "x"), 413), (post("Content-Length: \u{661}", "x"), 400),
        (post("Content-Length: 100", "{"), 400), (post("Content-Length: 5", "{}"), 400),
    ]

    static let codings: [(String, Int?)] = [
        (post("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), 400),
        (post("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n"), 400),
        (post("Transfer-Encoding: gzip"), 501), (post("Transfer-Encoding: chunked, gzip"), 400),
        (post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"), 501), (post("Transfer-Encoding: xchunked"), 501),
        (post("Transfer-Encoding: identity", "x"), 501), (post("Transfer-Encoding:"), 501),
        (post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), 400),
        (post("Transfer-Encoding: \"chunked\"", "0\r\n\r\n"), 501),
        ("POST /v1/units HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ]

    static let chunks: [(String, Int?)] = [
        (chunked("x\r\n\r\n"), 400), (chunked("-1\r\nx\r\n0\r\n\r\n"), 400), (chunked("0x1\r\nx\r\n0\r\n\r\n"), 400),
        (chunked(" 1\r\nx\r\n0\r\n\r\n"), 400), (chunked("1\nx\n0\n\n"), 400), (chunked("\r\n"), 400),
        (chunked("1\r\nxy\r\n0\r\n\r\n"), 400), (chunked("2\r\nx\r\n0\r\n\r\n"), 400),
        (chunked("1\r\nx0\r\n\r\n"), 400),
        (chunked("ffffffffffffffff1\r\nx"), 400), (chunked("ffffffffffffffff\r\nx"), 400),
        (chunked("7fffffff\r\nx"), 400), (chunked("1\r\nx\r\n"), 400), (chunked("0\r\n"), 400),
        (chunked("1\u{0}\r\nx\r\n0\r\n\r\n"), 400), (chunked("1;\u{0}\r\nx\r\n0\r\n\r\n"), 400),
        (chunked("1 1\r\nx\r\n0\r\n\r\n"), 400), (chunked("0\r\nX\r\n\r\n"), 400), (chunked("0\r\nX : 1\r\n\r\n"), 400),
        (chunked("0\r\nX: \(long)\r\n\r\n"), 431),
        (chunked("200000\r\n" + String(repeating: " ", count: 1_200_000)), 413),
    ]

    static let torn: [(String, Int?)] = [
        ("", nil), ("\r\n", nil), ("\r\n\r\n\r\n", nil), ("G", 400), ("GET /v1/whoami", 400),
        ("GET /v1/whoami HTTP/1.1", 400), ("GET /v1/whoami HTTP/1.1\r\n", 400),
        ("GET /v1/whoami HTTP/1.1\r\nHost: x", 400), ("GET /v1/whoami HTTP/1.1\r\nHost: x\r\n", 400),
        ("GET /v1/whoami HTTP/1.1\r\nHost: x\r\n\r", 400), (post("Content-Length: 10"), 400), (chunked(""), 400),
        (chunked("5\r\nab"), 400),
    ]

    @Test("each is refused as a problem with the right status, and the next one finds the daemon as it was")
    func all() async throws {
        #expect(Self.table.count > 130)
        let shop = try await Shop(site: Site.small)
        try await serving(shop) { path in
            for (text, status) in Self.table {
                let name = "\(text.debugDescription.prefix(120))"
                let client = try Client(path)
                let sending = Task { [client] in
                    // The server may have ended the connection before all of it was sent.
                    try? client.send(text)
                    client.finishSending()
                }
                let answer = try await client.readToEnd()
                await sending.value
                guard let status else {
                    #expect(answer.isEmpty, "\(name): \(answer)")
                    continue
                }
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(name): \(answer.prefix(400))")
                let parts = answer.split(separator: "\r\n\r\n", maxSplits: 1)
                guard parts.count == 2 else { continue }
                #expect(parts[0].contains("Content-Type: application/problem+json"), "\(name): \(parts[0])")
                let problem = try? JSONValue(json: String(parts[1]))
                #expect(problem?["status"]?.int == status && problem?["code"]?.string != nil, "\(name): \(parts[1])")
                #expect(problem?["detail"]?.string?.isEmpty == false && parts[1].utf8.count < 2_000, "\(name)")
            }
            #expect(try await Client(path).ask("GET", "/v1/whoami").status == 200)
        }
        let units = await shop.ask("ada", "GET", "/v1/scans")
        #expect(units.items.isEmpty, "nothing of it was a scan: \(units.text)")
    }

    @Test("requests before a malformed one are answered, and so is it")
    func afterGoodOnes() async throws {
        let shop = try await Shop(site: Site.small)
        try await serving(shop) { path in
            for bad in ["NONSENSE\r\n\r\n", "GET /v1/whoami HTTP/1.1\r\n\r\n", Self.chunked("zz\r\n")] {
                let client = try Client(path)
                try client.send(Self.get("X: 1") + Self.get("X: 2") + bad + Self.get("X: 3"))
                #expect(try await client.answer().status == 200)
                #expect(try await client.answer().status == 200)
                let refused = try await client.answer()
                #expect(refused.status == 400 && refused.head.contains("\r\nConnection: close\r\n"), "\(refused.head)")
                #expect(try await client.readToEnd().isEmpty, "what comes behind it can't be told from it")
            }
            // Whoever wants to speak something else is answered in HTTP/1.1, and then no more.
            let upgrade = try Client(path)
            try upgrade.send(Self.get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA"))
            try upgrade.send(String(repeating: "x", count: 100_000))
            let answer = try await upgrade.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.contains("\r\nConnection: close\r\n"), "\(answer)")
        }
    }
}
