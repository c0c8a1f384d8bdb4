import Foundation
import Glibc
import Synchronization
import Testing

/// The daemon is killed again and again while several clients are at work: what was answered is there once, what was
/// asked again with the same key is done once, and in the end everything adds up.
///
/// 20 rounds, or as many as `TRAVELER_KILL_ROUNDS` says.
@Suite(.serialized) struct KillLoopTests {
    static let rounds = ProcessInfo.processInfo.environment["TRAVELER_KILL_ROUNDS"].flatMap { Int($0) } ?? 20

    /// What all clients of a round were told.
    private struct Told {
        /// Serials that a scan without a key moved on.
        var scanned: [String] = []
        /// Numbers of answered scans, each of which is an event of its own.
        var events: [Int] = []
        /// Answers by key.
        var keyed: [String: String] = [:]
        /// Keys that were sent and not answered, with what was asked.
        var open: [String: (path: String, body: String)] = [:]
        var answers: Int { scanned.count + keyed.count }
    }

    @Test func whatWasAnsweredIsThereOnceHoweverOftenTheDaemonIsKilled() throws {
        let daemon = try Daemon()
        try daemon.openLine(quantity: 1_000_000)
        let told = Mutex(Told())
        var sent = 0
        for round in 0..<Self.rounds {
            // Each lane has units of its own, so that each scan has one right answer.
            let lanes = (0..<8).map { lane in (0..<60).map { "R\(round)-\(lane)-\($0)" } }
            let serials = try JSONSerialization.data(withJSONObject: [
                "product": "PCB-100", "serials": lanes.flatMap { $0 }, "work_order": "1001",
            ])
            let (status, problem) = try RawSocket(daemon.socket).request(
                "POST", "/v1/units", body: String(decoding: serials, as: UTF8.self))
            try #require(status == 201, "\(problem)")
            let before = told.withLock { $0.answers }
            let group = DispatchGroup()
            for (lane, serials) in lanes.enumerated() {
                group.enter()
                // A thread each: a queue would run few of them at a time.
                Thread.detachNewThread {
                    defer { group.leave() }
                    guard let socket = try? RawSocket(daemon.socket) else { return }
                    for (number, serial) in serials.enumerated() {
                        let isDone =
                            lane < 4
                            ? Self.scan(serial, socket, told)
                            : Self.change(
                                "\(serial)-key", lane % 2 == 0 ? .stock : .scan(number < 59 ? serial : "NONE"), socket,
                                told)
                        guard isDone else { return }
                    }
                }
            }
            let enough = before + Int.random(in: 10...240)
            try wait(for: "\(enough) answers") { told.withLock { $0.answers } >= enough }
            daemon.kill()
            group.wait()
            try daemon.start()
            // What nobody heard of is asked again with its key, and so is something that was answered.
            let socket = try RawSocket(daemon.socket)
            for (key, asked) in told.withLock({ $0.open }) {
                let (status, answer) = try socket.request(
                    "POST", asked.path, body: asked.body, headers: ["Idempotency-Key: \(key)"])
                #expect(status == 200 || status == 201, "\(answer)")
                told.withLock {
                    $0.keyed[key] = answer
                    $0.open[key] = nil
                }
            }
            let again = told.withLock { $0.keyed.first { $0.key.hasPrefix("R\(round)-4") } }
            if let (key, answer) = again {
                let change = Change.stock
                let (_, repeated) = try socket.request(
                    "POST", change.path, body: change.body, headers: ["Idempotency-Key: \(key)"])
                #expect(repeated == answer)
            }
            sent = told.withLock { $0.answers }
        }

        // Every event of the line, by number.
        var passed: [String: Int] = [:]
        let audit = daemon.ctl("log", "audit", "--kind", "unit.passed", "--all", "--json")
        let items = try #require(
            try (JSONSerialization.jsonObject(with: Data(audit.out.utf8)) as? [String: Any])?["items"]
                as? [[String: Any]])
        for case let unit as String in items.map({ $0["unit"] }) { passed[unit, default: 0] += 1 }
        let final = told.withLock { $0 }
        let lost = final.scanned.filter { passed[$0] == nil }
        let doubled = passed.filter { $0.value > 1 }
        #expect(lost.isEmpty && doubled.isEmpty, "lost \(lost), doubled \(doubled)")
        #expect(Set(final.events).count == final.events.count, "two scans were answered with one event")
        let keys = final.keyed.keys.filter { $0.hasSuffix("-key") && Self.isStock($0) }
        let product = daemon.ctl("product", "show", "RES-10K", "--json")
        let stock = try JSONSerialization.jsonObject(with: Data(product.out.utf8)) as? [String: Any]
        #expect(stock?["in_stock"] as? Int == keys.count, "\(product.out)")
        let verified = daemon.ctl("audit", "verify")
        #expect(verified.status == 0, "\(verified.out)")
        print(
            "\(Self.rounds) kills: \(sent) answers, \(final.keyed.count) of them by key; \(lost.count) lost, \(doubled.count) doubled"
        )
    }

    private enum Change {
        case stock
        case scan(String)
        var path: String {
            switch self {
            case .stock: "/v1/products/RES-10K/adjustments"
            case .scan: "/v1/stations/ASSY-1/scans"
            }
        }
        var body: String {
            switch self {
            case .stock: "{\"change\":1,\"note\":\"count\"}"
            case .scan(let code): "{\"code\":\"\(code)\"}"
            }
        }
    }

    /// Lanes 4 and 6 count goods, 5 and 7 scan.
    private static func isStock(_ key: String) -> Bool { ["4", "6"].contains(key.split(separator: "-")[1]) }

    private static func scan(_ serial: String, _ socket: RawSocket, _ told: borrowing Mutex<Told>) -> Bool {
        guard
            let (_, answer) = try? socket.request(
                "POST", "/v1/stations/ASSY-1/scans", body: "{\"code\":\"\(serial)\"}"),
            answer.contains("\"result\":\"accepted\"")
        else { return false }
        let event = (try? JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any])?["event"] as? Int
        told.withLock {
            $0.scanned.append(serial)
            if let event { $0.events.append(event) }
        }
        return true
    }

    private static func change(
        _ key: String, _ change: Change, _ socket: RawSocket, _ told: borrowing Mutex<Told>
    ) -> Bool {
        told.withLock { $0.open[key] = (change.path, change.body) }
        guard
            let (status, answer) = try? socket.request(
                "POST", change.path, body: change.body, headers: ["Idempotency-Key: \(key)"])
        else { return false }
        guard status == 200 || status == 201 else { return false }
        told.withLock {
            $0.open[key] = nil
            $0.keyed[key] = answer
        }
        return true
    }
}
