import Barcodes
import ControlAPI
import ControlServer
import Devices
import FoundationEssentials
import Ledger
import Line
import Logging
import Synchronization
import Testing
import Tracking

/// A ledger in a directory of its own with a clock of its own, and the control interface over it.
final class Shop: Sendable {
    let directory: String
    let ledger: Ledger
    let control: Control
    /// The scanners of the machine; nil where a test has nothing to do with them.
    let devices: StationDevices?
    private let time: Clock

    final class Clock: Sendable {
        /// 2026-03-02T08:00:00Z.
        let now = Atomic<Int64>(1_772_438_400_000)
        /// By how much the wall clock was set forward.
        let step = Atomic<Int64>(0)
    }

    /// - Parameters:
    ///   - site: applied by an admin, where there is one.
    ///   - withDevices: whether there are scanners.
    init(site: String? = nil, withDevices: Bool = false) async throws {
        directory = "/tmp/traveler-control-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let time = Clock()
        self.time = time
        let clock: @Sendable () -> Moment = {
            let steady = time.now.load(ordering: .relaxed)
            return Moment(wall: steady + time.step.load(ordering: .relaxed), steady: steady, run: 1)
        }
        ledger = try Ledger(directory: directory, clock: clock)
        let quiet = Logger(label: "tests", factory: { _ in SwiftLogNoOpLogHandler() })
        let printing = Printing(ledger: ledger, fill: { _ in [] }, send: { _, _, _, _ in })
        devices =
            withDevices
            ? try StationDevices(
                ledger: ledger, printing: printing, inventory: Inventory(), log: quiet, clock: clock) : nil
        control = Control(
            ledger: ledger, version: "1.2.3", startedAt: clock(), clock: clock,
            devices: devices,
            // A caller is asked about again in a stream: who left the group of admins is no admin any more.
            refresh: { caller in caller.login == "former" ? Caller(uid: 1, login: "former", isAdmin: false) : caller },
            logger: quiet)
        if let site {
            let answer = await ask("root", "PUT", "/v1/site", body: Array(site.utf8))
            try #require(answer.status == 200, "\(answer.text)")
        }
    }

    deinit {
        ledger.close()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// The time, in milliseconds since 1970, by the clock that nobody sets.
    var now: Int64 { time.now.load(ordering: .relaxed) }
    /// The time, by both clocks.
    var moment: Moment { Moment(wall: now + time.step.load(ordering: .relaxed), steady: now, run: 1) }

    /// Lets time go by.
    func wait(_ milliseconds: Int64) { time.now.add(milliseconds, ordering: .relaxed) }

    /// Sets the wall clock forward, or back.
    func setClock(forward milliseconds: Int64) { time.step.add(milliseconds, ordering: .relaxed) }

    /// Asks as a person of this login; `root` is an admin by the kernel's word, and nil is nobody that the system knows.
    func ask(
        _ login: String?, _ method: String, _ target: String, _ json: JSONValue? = nil, body: [UInt8] = [],
        key: String? = nil, lastEvent: String? = nil
    ) async -> Answer {
        wait(2_000)
        let caller = Caller(
            uid: login == "root" ? 0 : 1_000, login: login, isAdmin: ["root", "former"].contains(login))
        let request = ControlRequest(
            method, target, body: json?.jsonBytes ?? body, idempotencyKey: key, lastEventID: lastEvent)
        let answer = Answer(await control.answer(request, from: caller))
        expectAsDeclared(answer, method, target)
        return answer
    }

    /// Reads codes with the scanner that is bound to a station, and answers what the last one got.
    @discardableResult
    func scan(_ station: String, _ codes: String...) async throws -> ScanAnswer {
        var last: ScanAnswer?
        for code in codes {
            wait(2_000)
            let scan = Scan(station: station, text: code, code: Code(frame: code))
            last = try await ledger.scan(scan, by: .device("/dev/input/event3"), device: "/dev/input/event3")
        }
        return try #require(last)
    }
}

extension Shop {
    /// What an event stream gives until an event is the last one, or until it ends.
    ///
    /// - Parameter act: what happens once the stream listens.
    func events(
        _ login: String, _ target: String, lastEvent: String? = nil,
        during act: () async throws -> Void = {}, until isLast: (StreamedEvent) -> Bool
    ) async throws -> [StreamedEvent] {
        let answer = await ask(login, "GET", target, lastEvent: lastEvent)
        guard case .stream(let body) = answer.response.body else {
            Issue.record("\(target) is no stream: \(answer.text)")
            return []
        }
        let (pieces, piece) = AsyncStream.makeStream(of: [UInt8].self)
        let stream = Task {
            defer { piece.finish() }
            try await body { piece.yield($0) }
        }
        var events: [StreamedEvent] = []
        var hasBegun = false
        for await piece in pieces {
            // The first piece says that the stream listens.
            if !hasBegun { try await act() }
            hasBegun = true
            let new = StreamedEvent.all(in: String(decoding: piece, as: UTF8.self))
            events += new
            if new.contains(where: isLast) { break }
        }
        stream.cancel()
        _ = await stream.result
        return events
    }
}

/// An event of a stream.
struct StreamedEvent: Sendable, Equatable {
    var id: Int
    var name: String
    var data: JSONValue
    var text: String

    static func all(in text: String) -> [StreamedEvent] {
        text.split(separator: "\n\n").compactMap { event in
            let lines = event.split(separator: "\n").map {
                $0.split(separator: ":", maxSplits: 1).last?.dropFirst() ?? ""
            }
            guard lines.count == 3, let id = Int(lines[0]), let data = try? JSONValue(json: String(lines[2])) else {
                return nil
            }
            return StreamedEvent(id: id, name: String(lines[1]), data: data, text: String(event))
        }
    }
}

/// An answer, read.
struct Answer: Sendable {
    let response: ControlResponse
    var status: Int { response.status }

    init(_ response: ControlResponse) { self.response = response }

    var bytes: [UInt8] { if case .bytes(let bytes) = response.body { bytes } else { [] } }
    var text: String { String(decoding: bytes, as: UTF8.self) }
    var json: JSONValue { (try? JSONValue(json: bytes)) ?? .null }
    var code: String? { json["code"]?.string }
    var items: [JSONValue] { json["items"]?.array ?? [] }
    subscript(key: String) -> JSONValue? { json[key] }
}
