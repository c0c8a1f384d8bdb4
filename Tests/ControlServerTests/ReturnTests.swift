import ControlAPI
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing
import Tracking

@testable import ControlServer
@testable import Ledger

/// Returns, photos and webhooks over the control interface.
@Suite("Customers' returns", .serialized)
struct ReturnTests {
    private static let site = """
        departments: [{ code: e, name: E }]
        teams: [{ code: smt, name: S, department: e }]
        people:
          - { login: ada, name: Ada, role: admin }
          - { login: rita, name: Rita, role: member, team: smt, grants: ["returns:manage", "returns:inspect"] }
        products: [{ code: P, name: Board, type: pcb }]
        stations: [{ name: BACK, mode: returns, team: smt }]
        settings:
          refund_policy: { reasons: { other: 10 }, conditions: { good: 55 } }
          return_checklists: { return: [Is it there?, Is it clean?] }
        """

    /// The smallest PNG that there is, with a marked byte.
    static func png(_ mark: UInt8, padding: Int = 0) -> [UInt8] {
        func length(_ count: Int) -> [UInt8] { (0..<4).reversed().map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) } }
        let head: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        let data = [UInt8](repeating: mark, count: 2 + padding)
        return head + length(13) + Array("IHDR".utf8) + [0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0, 1, 2, 3, 4]
            + length(data.count) + Array("IDAT".utf8) + data + [1, 2, 3, 4] + length(0) + Array("IEND".utf8)
            + [1, 2, 3, 4]
    }

    private func shop() async throws -> (shop: Shop, id: String, item: String) {
        let shop = try await Shop(site: Self.site)
        _ = await shop.ask("ada", "POST", "/v1/units/receive", ["product": "P", "serials": ["U-1"], "note": "n"])
        _ = await shop.ask("ada", "POST", "/v1/deliveries", ["order": "SO-1", "serials": ["U-1"]])
        let made = await shop.ask(
            "rita", "POST", "/v1/returns",
            ["order": "SO-1", "kind": "return", "reason": "changed_mind", "items": [["serial": "U-1"]]])
        let id = try #require(made["id"]?.string, "\(made.text)")
        return (shop, id, try #require(made["items"]?.array?.first?["id"]?.string))
    }

    @Test("a photo is what its bytes are, not what it is called")
    func photos() async throws {
        let (shop, id, item) = try await shop()
        let path = "/v1/returns/\(id)/items/\(item)/photos"
        let png = Self.png(1)
        let target = path + "?kind=damage&note=..%2F..%2Fetc%2Fpasswd"
        let added = await shop.ask("rita", "POST", target, body: png, key: "p")
        #expect(added.status == 201 && added["type"] == "image/png" && added["note"] == "../../etc/passwd")
        #expect(await shop.ask("rita", "POST", target, body: png, key: "p").bytes == added.bytes)
        #expect(await shop.ask("rita", "POST", path + "?kind=label", body: png, key: "p").code == "conflict")
        let photo = try #require(added["id"]?.string)
        let fetched = await shop.ask("rita", "GET", path + "/" + photo)
        #expect(fetched.bytes == png && fetched.response.contentType == "image/png")
        for wrong in [[], Array("not a picture".utf8), Array(png.dropLast(5)), Array("<svg/>".utf8)] {
            let answer = await shop.ask("rita", "POST", path, body: wrong)
            #expect(answer.status == 400 && answer.code == "invalid_argument", "\(answer.text)")
        }
        for trick in ["..%2F..%2Fledger.db", "%2e%2e", "0", "-1", photo + "%00", "99999999999999999999"] {
            #expect(await shop.ask("rita", "GET", path + "/" + trick).status == 404, "\(trick)")
            #expect(await shop.ask("rita", "DELETE", path + "/" + trick).status == 404, "\(trick)")
        }
        #expect(await shop.ask("rita", "POST", path + "?kind=selfie", body: png).status == 400)
        #expect(await shop.ask("rita", "GET", "/v1/returns/1/items/\(item)/photos").status == 404)
        #expect(await shop.ask("ada", "GET", path).items.count == 1)
        let deleted = await shop.ask("rita", "DELETE", path + "/" + photo)
        #expect(deleted.status == 200 && deleted.items.isEmpty)
        #expect(await shop.ask("rita", "GET", path + "/" + photo).status == 404)
        let events = await shop.ask("ada", "GET", "/v1/audit?kind=return.photo_deleted").items
        #expect(events.first?["details"]?["before"]?["photos"]?.array?.first?["digest"] == added["digest"])
    }

    @Test("ten photos of up to 10 MiB")
    func limits() async throws {
        let (shop, id, item) = try await shop()
        let path = "/v1/returns/\(id)/items/\(item)/photos"
        let frame = Self.png(0).count
        let large = Self.png(1, padding: (10 << 20) - frame)
        #expect(large.count == 10 << 20)
        #expect(await shop.ask("rita", "POST", path, body: large).status == 201)
        let huge = await shop.ask("rita", "POST", path, body: large + [0])
        #expect(huge.status == 413 && huge.code == "too_large")
        let other = await shop.ask("rita", "POST", "/v1/returns", body: large)
        #expect(other.status == 413, "no other route takes that much")
        for mark in 2...10 { #expect(await shop.ask("rita", "POST", path, body: Self.png(UInt8(mark))).status == 201) }
        let eleventh = await shop.ask("rita", "POST", path, body: Self.png(11))
        #expect(eleventh.status == 409 && eleventh["reason"] == "photo_limit")
        _ = await shop.ask("rita", "POST", "/v1/returns/\(id)/cancel", ["note": "n"])
        let closed = await shop.ask("rita", "POST", path, body: Self.png(12))
        #expect(closed.status == 409 && closed["reason"] == "wrong_status")
    }

    @Test("a repeated request with its key does nothing twice")
    func repeated() async throws {
        let (shop, id, item) = try await shop()
        let path = "/v1/returns/\(id)/items/\(item)/photos"
        let first = await shop.ask("rita", "POST", path, body: Self.png(1), key: "k")
        let second = await shop.ask("rita", "POST", path, body: Self.png(1), key: "k")
        #expect(first.status == 201 && second.bytes == first.bytes)
        #expect(await shop.ask("rita", "POST", path, body: Self.png(2), key: "k").code == "conflict")
        #expect(await shop.ask("rita", "GET", path).items.count == 1)
    }

    @Test("policy and checklists are the site file's")
    func settings() async throws {
        let (shop, id, item) = try await shop()
        let started = await shop.ask("rita", "POST", "/v1/returns/\(id)/inspection")
        #expect(started["checklist"]?.array?.compactMap { $0["text"]?.string } == ["Is it there?", "Is it clean?"])
        _ = await shop.ask(
            "rita", "POST", "/v1/returns/\(id)/items/\(item)/inspection",
            ["condition": "good", "decision": "restock"])
        #expect(await shop.ask("rita", "GET", "/v1/returns/\(id)")["refund"] == 55)
        _ = await shop.ask("rita", "PATCH", "/v1/returns/\(id)", ["reason": "other"])
        #expect(await shop.ask("rita", "GET", "/v1/returns/\(id)")["refund"] == 10)
        let export = await shop.ask("ada", "GET", "/v1/site")
        let plan = await shop.ask("ada", "POST", "/v1/site/plan", body: export.bytes)
        #expect(plan["unchanged"] == true, "\(plan.text)")
    }

    /// Everything decided, up to the completion.
    private func decide(_ id: String, _ item: String, in shop: Shop, isClean: JSONValue = "yes") async {
        _ = await shop.ask("rita", "POST", "/v1/returns/\(id)/inspection")
        _ = await shop.ask(
            "rita", "POST", "/v1/returns/\(id)/items/\(item)/inspection",
            ["condition": "good", "decision": "restock"])
        _ = await shop.ask(
            "rita", "PUT", "/v1/returns/\(id)/checklist",
            ["answers": [["question": 1, "answer": "yes"], ["question": 2, "answer": isClean, "note": "seen"]]])
    }

    @Test("what a completed return suggests does not change with the policy")
    func refundsStay() async throws {
        let (shop, id, item) = try await shop()
        await decide(id, item, in: shop)
        func expectRefund(_ percent: JSONValue) async {
            let found = await shop.ask("rita", "GET", "/v1/returns/\(id)")
            #expect(found["refund"] == percent && found["items"]?.array?.first?["refund"] == percent, "\(found.text)")
            #expect(await shop.ask("rita", "GET", "/v1/repacking/\(item)")["refund"] == percent)
        }
        func apply(_ percent: Int) async {
            let site = Self.site.replacing("good: 55", with: "good: \(percent)")
            #expect(await shop.ask("ada", "PUT", "/v1/site", body: Array(site.utf8)).status == 200)
        }
        await expectRefund(55)
        await apply(44)
        await expectRefund(44)
        #expect(await shop.ask("rita", "POST", "/v1/returns/\(id)/complete").status == 200)
        await apply(33)
        await expectRefund(44)
    }

    // MARK: Webhooks

    @Test("an event is sent signed, tried again, and found among the dead letters")
    func webhooks() async throws {
        let (shop, id, item) = try await shop()
        let receiver = try await Receiver()
        let good = await shop.ask(
            "ada", "POST", "/v1/webhooks",
            ["url": .string(receiver.url + "/good?x=1"), "kinds": ["return.completed", "return.inspection_started"]])
        let bad = await shop.ask(
            "ada", "POST", "/v1/webhooks", ["url": .string(receiver.url + "/bad"), "kinds": ["return.completed"]])
        let silent = await shop.ask(
            "ada", "POST", "/v1/webhooks", ["url": .string(receiver.url + "/silent"), "kinds": ["return.completed"]])
        for url in ["ftp://x", "http://", "http://u:p@x/", "x", "http://x/#f", "javascript:alert(1)"] {
            let answer = await shop.ask(
                "ada", "POST", "/v1/webhooks", ["url": .string(url), "kinds": ["return.completed"]])
            #expect(answer.status == 400, "\(url)")
        }
        let secret = try #require(good["secret"]?.string)
        #expect(secret.count == 64 && secret != bad["secret"]?.string)
        let sender = WebhookSender(
            ledger: shop.ledger, clock: { shop.moment },
            client: WebhookClient(patience: .milliseconds(500)),
            log: Logger(label: "tests", factory: { _ in SwiftLogNoOpLogHandler() }))
        let running = Task { try await sender.run() }
        defer { running.cancel() }

        await decide(id, item, in: shop, isClean: "no")
        let done = await shop.ask("rita", "POST", "/v1/returns/\(id)/complete")
        #expect(done.status == 200, "answered, however slow the receivers are: \(done.text)")

        let got = try await receiver.wait { $0.filter { $0.path == "/good?x=1" }.count == 2 }
        for request in got where request.path == "/good?x=1" {
            let seconds = try #require(request.headers["Traveler-Timestamp"].first.flatMap { Int64($0) })
            #expect(
                request.headers["Traveler-Signature"]
                    == ["sha256=" + Ledger.signature(of: request.body, at: seconds, secret: secret)])
        }
        let completed = try #require(got.last { $0.headers["Traveler-Kind"] == ["return.completed"] })
        let event = try JSONValue(json: completed.body)
        #expect(event["details"]?["after"]?["refund"] == 55 && event["details"]?["after"]?["order"] == "SO-1")

        // The other two stay in the outbox, with the reason, and are tried again in time.
        let badID = bad["id"]?.string ?? ""
        let list = "/v1/webhooks/\(badID)/deliveries"
        func letter() async throws -> JSONValue? {
            try await until { await shop.ask("ada", "GET", list).items.first { $0["attempts"]?.int ?? 0 > 0 } }
        }
        let first = try #require(try await letter())
        #expect(first["status"] == "pending" && first["problem"] == "HTTP 500")
        for _ in WebhookDelivery.delays { shop.wait(3_600_000) }
        let dead = try await until {
            for _ in 0..<4 { shop.wait(3_600_000) }
            return await shop.ask("ada", "GET", list + "?status=dead").items.first
        }
        #expect(dead?["attempts"]?.int == WebhookDelivery.delays.count + 1)
        receiver.isMended.withLock { $0 = true }
        let number = dead?["event"]?.string ?? ""
        #expect(await shop.ask("ada", "POST", list + "/\(number)/retry").status == 200)
        _ = try await until { await shop.ask("ada", "GET", list).items.isEmpty ? true : nil }
        #expect(await shop.ask("ada", "POST", list + "/\(number)/retry").status == 404)
        let quiet = "/v1/webhooks/\(silent["id"]?.string ?? "")"
        let waiting = try await until {
            await shop.ask("ada", "GET", quiet + "/deliveries").items.first { $0["attempts"]?.int ?? 0 > 0 }
        }
        #expect(waiting?["problem"] == "no answer within 500 ms")
        #expect(await shop.ask("ada", "DELETE", quiet).status == 200)
        #expect(await shop.ask("ada", "GET", quiet).status == 404)
        #expect(await shop.ask("ada", "GET", "/v1/webhooks").items.count == 2)
    }

    @Test("what was taken is sent once, however long it takes to put that on record")
    func recordedLate() async throws {
        let (shop, id, _) = try await shop()
        let receiver = try await Receiver()
        let hook = await shop.ask(
            "ada", "POST", "/v1/webhooks",
            ["url": .string(receiver.url + "/good"), "kinds": ["return.inspection_started"]])
        _ = await shop.ask("rita", "POST", "/v1/returns/\(id)/inspection")
        // Nothing can be written while another program holds the file.
        let other = try Connection(path: shop.directory + "/" + Ledger.fileName, mode: .readWrite)
        try other.execute("BEGIN IMMEDIATE")
        let (complaints, complaint) = AsyncStream.makeStream(of: Void.self)
        let sender = WebhookSender(
            ledger: shop.ledger, clock: { shop.moment }, client: WebhookClient(),
            log: Logger(label: "tests", factory: { _ in Complaints(complaint: complaint) }))
        let running = Task { try await sender.run() }
        defer { running.cancel() }
        for await _ in complaints { break }
        try other.execute("ROLLBACK")
        let list = "/v1/webhooks/\(hook["id"]?.string ?? "")/deliveries"
        _ = try await until { await shop.ask("ada", "GET", list).items.isEmpty ? true : nil }
        #expect(try await receiver.wait { !$0.isEmpty }.count == 1)
    }

    @Test("why a webhook took nothing, in words")
    func causes() async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Mail()) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = server.localAddress?.port ?? 0
        func cause(_ url: String) async -> String? {
            do throws(WebhookFailure) {
                try await WebhookClient(patience: .seconds(5)).post([1], to: url, [])
                return nil
            } catch {
                return error.message
            }
        }
        #expect(await cause("http://127.0.0.1:\(port)/") == "the answer is not HTTP")
        try await server.close().get()
        #expect(await cause("http://127.0.0.1:\(port)/") == "connection refused")
        #expect(await cause("http://nobody.invalid/") == "no such host")
    }

    @Test("addresses of webhooks")
    func addresses() {
        for right in ["http://shop.example/hook?a=b%20c", "https://[::1]:8443", "HTTPS://shop.example:443/"] {
            #expect(WebhookClient.takes(right), "\(right)")
        }
        for wrong in ["", "http://x y/", "http://x:0/", "http://x:99999/", "http://x/\r\nHost: y", "//x", "http:x"] {
            #expect(!WebhookClient.takes(wrong), "\(wrong)")
        }
    }

    /// What a condition gives, once it does.
    private func until<Value: Sendable>(_ look: () async throws -> Value?) async throws -> Value? {
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            if let value = try await look() { return value }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("waited in vain")
        return nil
    }
}

/// Tells of errors in the log.
private struct Complaints: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.error
    let complaint: AsyncStream<Void>.Continuation

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { complaint.yield() }
}

/// What answers, but not in HTTP. (What speaks before it is asked may break the connection before there is a request.)
private final class Mail: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "500 unknown command\r\n")), promise: nil)
    }
}

/// An HTTP server that takes what webhooks are sent: `/good` at once, `/bad` once it is mended, `/silent` never.
private final class Receiver: Sendable {
    struct Request: Sendable {
        var path: String
        var headers: HTTPHeaders
        var body: [UInt8]
    }

    private let requests = Mutex<[Request]>([])
    let isMended = Mutex(false)
    private let channel: any Channel
    var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)" }

    init() async throws {
        let holder = Holder()
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(holder: holder))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        holder.set(self)
    }

    deinit { channel.close(promise: nil) }

    func wait(_ isEnough: ([Request]) -> Bool) async throws -> [Request] {
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            let now = requests.withLock { $0 }
            if isEnough(now) { return now }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("waited in vain for requests")
        return requests.withLock { $0 }
    }

    final class Holder: Sendable {
        private let receiver = Mutex<Weak>(Weak())
        struct Weak { weak var value: Receiver? }
        func set(_ value: Receiver) { receiver.withLock { $0.value = value } }
        func take(_ request: Request) -> HTTPResponseStatus? {
            guard let receiver = receiver.withLock({ $0.value }) else { return nil }
            receiver.requests.withLock { $0.append(request) }
            if request.path.hasPrefix("/silent") { return nil }
            if request.path.hasPrefix("/bad"), !receiver.isMended.withLock({ $0 }) { return .internalServerError }
            return .ok
        }
    }

    final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart
        private let holder: Holder
        private var head: HTTPRequestHead?
        private var body: [UInt8] = []

        init(holder: Holder) { self.holder = holder }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): self.head = head
            case .body(let buffer): body += buffer.readableBytesView
            case .end:
                guard let head,
                    let status = holder.take(Request(path: head.uri, headers: head.headers, body: body))
                else { return }
                let answer = HTTPResponseHead(version: .http1_1, status: status, headers: ["Content-Length": "0"])
                context.write(wrapOutboundOut(.head(answer)), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}
