import Barcodes
import Dispatch
import Testing
import Tracking

@testable import Ledger

/// Scans go before everything: before commands about many things, and past everything that is read.
@Suite(.serialized, .timeLimit(.minutes(2))) struct PriorityTests {
    /// Keeps the writer busy until it is let go.
    private final class Hold: Sendable {
        let release = DispatchSemaphore(value: 0)
        let task: Task<Void, any Error>

        init(_ shop: Shop) async {
            let (began, begin) = AsyncStream.makeStream(of: Void.self)
            task = Task { [release] in
                _ = try await shop.ledger.submit(
                    .adjust(product: "RES-10K", change: 1, note: "counted"), by: shop.ledger.admin
                ) { _, _ in
                    begin.finish()
                    release.wait()
                    return StoredAnswer(status: 200, body: [])
                }
            }
            for await _ in began {}
        }
    }

    private static func serials(_ prefix: String, _ count: Int) -> [String] { (1...count).map { "\(prefix)-\($0)" } }

    /// Begins to receive units; the value is the number of the last event.
    private func receive(_ serials: [String], _ shop: Shop) -> Task<Int64, any Error> {
        Task {
            let answer = try await shop.ledger.submit(
                .receive(product: "PCB-100", serials: serials, supplier: nil, cost: nil, note: "found"),
                by: shop.ledger.admin
            ) { state, _ in StoredAnswer(status: 200, events: state.head...state.head) }
            return try #require(answer.events?.lowerBound)
        }
    }

    private func scan(_ shop: Shop) -> Task<Int64, any Error> {
        Task {
            let scan = Scan(station: "ASK-1", text: "X-1", code: Code(frame: "X-1"))
            return try await shop.ledger.scan(scan, by: .device("/dev/input/event0"), device: "/dev/input/event0").event
        }
    }

    private func until(_ waiting: Int, _ shop: Shop) async {
        while shop.ledger.waiting < waiting { await Task.yield() }
    }

    @Test func aScanThatComesLaterIsOnRecordBeforeLongCommands() async throws {
        let shop = try await Shop()
        let hold = await Hold(shop)
        let first = receive(Self.serials("A", 100), shop)
        await until(1, shop)
        let second = receive(Self.serials("B", 100), shop)
        await until(2, shop)
        let scan = scan(shop)
        await until(3, shop)
        let commits = shop.ledger.commits
        hold.release.signal()
        try await hold.task.value
        let (scanned, a, b) = (try await scan.value, try await first.value, try await second.value)
        #expect(scanned < a - 99 && scanned < b - 99)
        #expect(shop.ledger.commits == commits + 4, "each of the long ones has a transaction to itself")
        #expect(try await shop.ledger.verify().isWhole)
    }

    @Test func aLongCommandIsNotPutOffForEver() async throws {
        let shop = try await Shop()
        let hold = await Hold(shop)
        let long = receive(Self.serials("A", 100), shop)
        await until(1, shop)
        let scans = (0..<2_500).map { _ in scan(shop) }
        await until(2_501, shop)
        hold.release.signal()
        try await hold.task.value
        let last = try await long.value
        var numbers: [Int64] = []
        for scan in scans { numbers.append(try await scan.value) }
        #expect(numbers.count { $0 < last } == Writer.patience * Writer.batch, "some batches of scans go first")
    }

    /// What was read for a long command before its turn is read again where something went before it.
    @Test func whatChangedWhileALongCommandWaitedCounts() async throws {
        let shop = try await Shop()
        let hold = await Hold(shop)
        let long = receive(Self.serials("A", 100), shop)
        await until(1, shop)
        let short = receive(["A-50"], shop)
        await until(2, shop)
        hold.release.signal()
        try await hold.task.value
        _ = try await short.value
        await #expect(throws: Refusal(.conflict, "the serial A-50 is taken")) { try await long.value }
        let units = try await shop.ledger.read { try $0.number("SELECT count(*) FROM unit") }
        #expect(units == 1, "all of it or nothing")
        // Nothing is remembered longer than it is needed.
        _ = try await receive(Self.serials("B", 100), shop).value
        #expect(try await shop.ledger.verify().isWhole)
    }

    /// The number of an order that comes into being meanwhile is a serial that is taken, too.
    @Test func anOrderThatCameMeanwhileCounts() async throws {
        let shop = try await Shop()
        let hold = await Hold(shop)
        let long = receive(Self.serials("SO", 100), shop)
        await until(1, shop)
        let order = Task {
            try await shop.ledger.submit(
                .deliver(order: "SO-7", customer: nil, serials: [], items: [("RES-10K", 1)]), by: shop.ledger.admin
            ) { _, _ in StoredAnswer(status: 200, body: []) }
        }
        await until(2, shop)
        hold.release.signal()
        try await hold.task.value
        _ = try await order.value
        await #expect(throws: Refusal.self) { try await long.value }
    }

    /// While lists, reports, replays and preparations are all stuck, what a scan needs is read.
    @Test func lookupsWaitForNothingElseThatIsRead() async throws {
        let shop = try await Shop()
        let release = DispatchSemaphore(value: 0)
        let (began, begin) = AsyncStream.makeStream(of: Pace.self)
        let slow = Pace.allCases.filter { $0 != .lookup }
        let stuck = slow.flatMap { pace in
            (0..<8).map { _ in
                Task {
                    try await shop.ledger.read(pace) { _ in
                        begin.yield(pace)
                        release.wait()
                    }
                }
            }
        }
        var busy: Set<Pace> = []
        for await pace in began {
            busy.insert(pace)
            if busy.count == slow.count { break }
        }
        _ = try await scan(shop).value
        let head = try await shop.ledger.read { try $0.number("SELECT max(id) FROM event") }
        #expect(head > 0)
        for _ in stuck { release.signal() }
        for task in stuck { try await task.value }
    }
}
